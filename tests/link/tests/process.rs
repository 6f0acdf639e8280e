//! The link as a process between two ends that know what they sent and when: what it says of itself holds on the clock.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

struct Link {
    child: Child,
    said: BufReader<ChildStdout>,
    at: SocketAddr,
}

impl Link {
    /// Starts the program with a plan in a file.
    fn with(plan: &str, to: SocketAddr, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("plan.toml");
        std::fs::write(&file, plan).expect("a plan");
        let mut child = Command::new(env!("CARGO_BIN_EXE_hms-link"))
            .args(["--listen", "127.0.0.1:0", "--to", &to.to_string(), "--plan"])
            .arg(&file)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the link");
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        said.read_line(&mut line).expect("where it listens");
        let at = line
            .split_whitespace()
            .find_map(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("no address in {line}"));
        // The plan, after which it is ready.
        said.read_line(&mut line).expect("its plan");
        Self { child, said, at }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).expect("the link listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        stream
    }

    /// Ends it as Ctrl-C does; gives what it says then.
    fn end(mut self) -> String {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().expect("kill");
        let mut words = String::new();
        self.said.read_to_string(&mut words).expect("last words");
        assert!(self.child.wait().expect("an end").success());
        words
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that sends back what it gets, and tells how many bytes each connection brought.
fn echo() -> (SocketAddr, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let (mut stream, mut buffer, mut came) = (stream, [0; 4096], 0);
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    came += length;
                    // Who sent it may be gone; what came before that counts all the same.
                    let _ = stream.write_all(&buffer[..length]);
                }
                let _ = tell.send(came);
            });
        }
    });
    (at, told)
}

/// Sends and waits until it is back.
fn there_and_back(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<Duration> {
    let begun = Instant::now();
    let mut reader = stream.try_clone()?;
    let length = bytes.len();
    let back = std::thread::spawn(move || {
        let mut buffer = vec![0; length];
        reader.read_exact(&mut buffer).map(|()| buffer)
    });
    stream.write_all(bytes)?;
    let came = back.join().expect("the reader")?;
    assert_eq!(came, bytes, "bytes pass unchanged");
    Ok(begun.elapsed())
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_word_takes_the_round_trip_and_the_first_one_takes_two() {
    let (server, _) = echo();
    let link = Link::with("[up]\ndelay_ms = 100\n[down]\ndelay_ms = 150\n", server, &[]);
    let mut stream = link.connect();

    let first = there_and_back(&mut stream, b"hello").expect("back");
    let second = there_and_back(&mut stream, b"again").expect("back");

    assert!(first >= ms(500) && first < ms(2000), "{first:?}");
    assert!(second >= ms(250) && second < ms(1500), "{second:?}");
    let said = link.end();
    assert!(
        said.contains("1 connections") && said.contains("up: 10 bytes in, 10 out"),
        "{said}"
    );
}

#[test]
fn a_rate_holds_each_way_and_over_all_connections() {
    let (server, told) = echo();
    // 100,000 bytes up a second; down is open.
    let link = Link::with("[up]\nkbit_s = 800\n", server, &[]);
    let (mut one, mut two) = (link.connect(), link.connect());
    let bytes = vec![7; 60_000];

    let begun = Instant::now();
    let other = std::thread::spawn({
        let bytes = bytes.clone();
        move || there_and_back(&mut two, &bytes).expect("back")
    });
    there_and_back(&mut one, &bytes).expect("back");
    other.join().expect("the other");
    let took = begun.elapsed();
    drop(one);

    assert!(took >= ms(1100) && took < ms(4000), "120,000 bytes took {took:?}");
    assert_eq!(told.recv_timeout(PATIENCE).expect("an end"), 60_000);
}

#[test]
fn a_cut_at_a_byte_lets_that_many_through_and_then_nothing_for_a_while() {
    let (server, told) = echo();
    let link = Link::with(
        "[[cut]]\nway = \"up\"\nat_byte = 12345\nfor_ms = 700\n",
        server,
        &[],
    );
    let mut stream = link.connect();

    // The answers are not waited for: how many come before the cut is chance.
    let _ = stream.write_all(&[1; 20_000]);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    let came = told.recv_timeout(PATIENCE).expect("the server sees an end");
    let cut = Instant::now();

    assert_eq!(came, 12_345);
    assert!(there_and_back(&mut link.connect(), b"too soon").is_err());
    while there_and_back(&mut link.connect(), b"again?").is_err() {
        std::thread::sleep(ms(20));
        assert!(cut.elapsed() < PATIENCE, "it never comes back");
    }
    assert!(cut.elapsed() >= ms(500), "{:?}", cut.elapsed());
    let said = link.end();
    assert!(said.contains("1 cuts at a byte"), "{said}");
}

#[test]
fn an_outage_closes_connections_and_a_silent_one_only_holds_them() {
    let (server, _) = echo();
    let cut = "[[outage]]\nafter_ms = 400\nfor_ms = 800\n";
    let link = Link::with(cut, server, &[]);
    let mut stream = link.connect();
    there_and_back(&mut stream, b"before").expect("back");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    let closed = Instant::now();
    while there_and_back(&mut link.connect(), b"again?").is_err() {
        std::thread::sleep(ms(20));
        assert!(closed.elapsed() < PATIENCE, "it never comes back");
    }
    assert!(closed.elapsed() >= ms(500), "{:?}", closed.elapsed());

    let link = Link::with(&format!("{cut}silent = true\n"), server, &[]);
    let mut stream = link.connect();
    let begun = Instant::now();
    there_and_back(&mut stream, b"before").expect("back");
    std::thread::sleep(ms(600).saturating_sub(begun.elapsed()));
    there_and_back(&mut stream, b"held").expect("back, on the same connection");

    assert!(begun.elapsed() >= ms(1100), "{:?}", begun.elapsed());
    let said = link.end();
    assert!(said.contains("1 outages"), "{said}");
}

#[test]
fn lost_packets_cost_tcp_time_and_datagrams_are_gone() {
    let (server, _) = echo();
    let plan =
        "seed = 3\n[up]\ndelay_ms = 20\nloss = 0.3\n[down]\ndelay_ms = 20\nduplicate = 0.5\nreorder = 0.5\n";
    let link = Link::with(plan, server, &["--udp"]);
    let mut stream = link.connect();
    let took = there_and_back(&mut stream, &[9; 100_000]).expect("all of it, in order");

    let far = UdpSocket::bind(server).expect("the same port, for datagrams");
    let near = UdpSocket::bind("127.0.0.1:0").expect("a port");
    for number in 0..200_u8 {
        near.send_to(&[number], link.at).expect("sent");
    }
    far.set_read_timeout(Some(ms(1000))).expect("a timeout");
    let mut came = Vec::new();
    let mut buffer = [0; 8];
    while let Ok((_, from)) = far.recv_from(&mut buffer) {
        came.push(buffer[0]);
        far.send_to(&buffer[..1], from).expect("sent back");
    }
    near.set_read_timeout(Some(ms(1000))).expect("a timeout");
    let mut back = Vec::new();
    while near.recv_from(&mut buffer).is_ok() {
        back.push(buffer[0]);
    }

    assert!(took > ms(120), "{took:?}");
    assert!((100..180).contains(&came.len()), "{} of 200 came", came.len());
    assert!(
        back.len() > came.len() + came.len() / 5,
        "{} of {} twice",
        back.len(),
        came.len()
    );
    assert!(
        back.windows(2).any(|pair| pair[0] > pair[1]),
        "none was overtaken"
    );
    let said = link.end();
    assert!(!said.contains("up: 100200 bytes in, 100200 out"), "{said}");
}

#[test]
fn what_tcp_cannot_show_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("plan.toml");
    std::fs::write(&file, "[up]\nduplicate = 0.1\n").expect("a plan");

    let said = Command::new(env!("CARGO_BIN_EXE_hms-link"))
        .args(["--listen", "127.0.0.1:0", "--to", "127.0.0.1:9", "--plan"])
        .arg(&file)
        .output()
        .expect("the link");

    assert!(!said.status.success());
    let words = String::from_utf8_lossy(&said.stderr);
    assert!(words.contains("add --udp"), "{words}");
}
