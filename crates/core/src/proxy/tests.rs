use super::*;

fn proxy(text: &str) -> Proxy {
    Proxy::parse(text).expect("an address")
}

fn asked(text: &str, host: &str) -> String {
    String::from_utf8(proxy(text).request(host, 443).expect("a request")).expect("text")
}

#[test]
fn addresses_are_read_as_curl_reads_them() {
    for (text, url) in [
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("http://proxy.example", "http://proxy.example:80"),
        (" HTTP://10.0.0.1:8080/ ", "http://10.0.0.1:8080"),
        ("http://[fd00::1]:8080", "http://[fd00::1]:8080"),
        ("[fd00::1]", "http://[fd00::1]:80"),
        ("http://u:p@proxy.example:81/x?y#z", "http://proxy.example:81"),
    ] {
        assert_eq!(proxy(text).url(), url, "{text}");
    }
    for text in [
        "",
        "http://",
        "http://:80",
        "a:b",
        "a:0",
        "a:70000",
        "a:1:2",
        "fd00::1",
        "[fd00::1",
        "[fd00::1]x",
        "[name]:1",
        "a b",
        "a\r\nb",
        "u:%zz@a",
        "u:%4@a",
        "u:%+1@a",
    ] {
        assert_eq!(Proxy::parse(text), Err(BadAddress::Unreadable), "{text:?}");
    }
    for text in ["https://proxy.example", "socks5://proxy.example:1080"] {
        assert_eq!(Proxy::parse(text), Err(BadAddress::Scheme), "{text}");
    }
}

#[test]
fn a_tunnel_is_asked_for_and_the_password_is_never_printed() {
    assert_eq!(
        asked("proxy:1", "clinic.example"),
        "CONNECT clinic.example:443 HTTP/1.1\r\nHost: clinic.example:443\r\nUser-Agent: HMS-ACH\r\n\r\n"
    );
    assert!(
        asked("proxy:1", "fd00::2").starts_with("CONNECT [fd00::2]:443 HTTP/1.1\r\nHost: [fd00::2]:443\r\n")
    );
    // "user:p@ss:é"
    let with_password = "http://user:p%40ss:%C3%A9@proxy:1";
    assert!(asked(with_password, "a").contains("\r\nProxy-Authorization: Basic dXNlcjpwQHNzOsOp\r\n\r\n"));
    assert!(asked("user@proxy", "a").contains("Basic dXNlcjo=\r\n"));
    let printed = format!("{:?}", Proxies::new(proxy(with_password), "a"));
    assert!(!printed.contains("dXNl") && !printed.contains("ss"), "{printed}");
    for name in ["", "a\r\nX: y", "a b", "a/b"] {
        assert_eq!(proxy("proxy").request(name, 1), Err(Refusal::Name), "{name:?}");
    }
}

#[test]
fn what_is_behind_the_head_belongs_to_the_tunnel() {
    let answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n\x16\x03\x01HTTP/1.1 500 No\r\n\r\n";
    let head = answer.len() - 3 - 19;

    assert_eq!(read_answer(answer), Ok(Some(head)));
    for seen in 0..head {
        assert_eq!(read_answer(&answer[..seen]), Ok(None), "{seen}");
    }
    assert_eq!(read_answer(b"HTTP/1.0 200\r\n\r\n"), Ok(Some(16)));
    assert_eq!(read_answer(b"HTTP/1.1 204 \r\n\r\n"), Ok(Some(17)));
}

#[test]
fn no_answer_but_a_whole_good_one_opens_a_tunnel() {
    use Refusal::{Credentials, Endless, NotHttp, Status};
    for (answer, why) in [
        (&b"HTTP/1.1 407 Who?\r\n\r\n"[..], Credentials),
        (b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n", Status(403)),
        (b"HTTP/1.1 502 Bad\r\n\r\n", Status(502)),
        (b"HTTP/1.1 100 Go on\r\n\r\n", Status(100)),
        (b"HTTP/1.1 302 There\r\n\r\n", Status(302)),
        (b"HTTP/2 200\r\n\r\n", NotHttp),
        (b"SSH-2.0", NotHttp),
        (b"\r", NotHttp),
        (b"HTTP/1.1 2000 OK\r\n\r\n", NotHttp),
        (b"HTTP/1.1 20 OK\r\n\r\n", NotHttp),
        (b"HTTP/1.1 \r\n\r\n200 ", NotHttp),
        (b"HTTP/1.x 200 OK\r\n\r\n", NotHttp),
    ] {
        assert_eq!(
            read_answer(answer),
            Err(why),
            "{}",
            String::from_utf8_lossy(answer)
        );
    }

    let mut endless = b"HTTP/1.1 200 OK\r\n".to_vec();
    while endless.len() < LONGEST_HEAD - 10 {
        endless.extend(b"X: y\r\n");
    }
    assert_eq!(read_answer(&endless), Ok(None));
    endless.extend(b"X: 0123456789");
    endless.extend(b"\r\n\r\n");
    assert_eq!(read_answer(&endless), Err(Endless));
    // Bare line ends are no line ends.
    assert_eq!(read_answer(b"HTTP/1.1 200 OK\n\n"), Ok(None));
}

#[test]
fn this_machine_and_what_is_excepted_is_reached_directly() {
    let except = "intern.example, .lab.example *.old.example,10.0.0.0/8,192.168.1.7 , fd00::/16,[2001:db8::1],10.1.1.1/x";
    let proxies = Proxies::new(proxy("proxy:1"), except);
    for direct in [
        "localhost",
        "a.localhost",
        "LocalHost.",
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "[::1]",
        "::ffff:127.0.0.1",
        "intern.example",
        "INTERN.example.",
        "a.b.intern.example",
        "lab.example",
        "x.lab.example",
        "x.old.example",
        "10.200.0.1",
        "::ffff:10.0.0.1",
        "192.168.1.7",
        "fd00:1::9",
        "2001:db8::1",
    ] {
        assert_eq!(proxies.to(direct), None, "{direct}");
    }
    for through in [
        "clinic.example",
        "notintern.example",
        "intern.example.org",
        "notlocalhost",
        "11.0.0.1",
        "192.168.1.70",
        "fd01::1",
        "2001:db8::2",
        "0.0.0.0",
    ] {
        assert!(proxies.to(through).is_some(), "{through}");
    }
    assert_eq!(Proxies::new(proxy("proxy"), "a, *").to("clinic.example"), None);
    assert_eq!(Proxies::new(proxy("proxy"), "0.0.0.0/0").to("8.8.8.8"), None);
    assert!(Proxies::new(proxy("proxy"), " ,, ")
        .to("clinic.example")
        .is_some());
    assert_eq!(Proxies::default().to("clinic.example"), None);
}
