//! Our side against `@tus/server`, which we did not write. The file it keeps is the one that was sent.

use std::sync::{Arc, Mutex};

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use super::tus::{Caller, Tus};
use crate::config::{Provisioning, SystemClock};
use crate::net::{Fault, Http};
use crate::npm::NpmServer;

fn http(port: u16) -> Http {
    let server = Provisioning {
        base_url: format!("http://127.0.0.1:{port}"),
        ca_file: None,
        hpke_public_key: None,
        help_phone: String::new(),
        demo: true,
        proxy: None,
        pack_trust: None,
    };
    Http::new(&server, Arc::new(SystemClock)).expect("a client")
}

/// A line that breaks the first requests off after so many bytes each; one request on a connection.
async fn breaking(to: u16, after: Vec<usize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let port = listener.local_addr().expect("address").port();
    let left = Arc::new(Mutex::new(after.into_iter()));
    tokio::spawn(async move {
        while let Ok((mut phone, _)) = listener.accept().await {
            let cut = left.lock().expect("list").next();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", to)).await.expect("the peer");
                match cut {
                    None => {
                        let _ = tokio::io::copy_bidirectional(&mut phone, &mut server).await;
                    }
                    Some(cut) => {
                        let (from_phone, mut to_phone) = phone.split();
                        let (mut from_server, mut to_server) = server.split();
                        let mut first = from_phone.take(cut as u64);
                        tokio::select! {
                            _ = tokio::io::copy(&mut first, &mut to_server) => {}
                            _ = tokio::io::copy(&mut from_server, &mut to_phone) => {}
                        }
                    }
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_file_goes_to_a_foreign_server_over_a_line_that_breaks() {
    let folder = tempfile::tempdir().expect("folder");
    let mut peer = NpmServer::start("@tus/server", "tus-server.mjs", &[folder.path().as_os_str()]);
    let file: Vec<u8> = (0..400_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let straight = http(peer.port);
    let tus = Tus(Caller::Nobody(&straight));
    assert_eq!(tus.is_offered().await, Ok(true));
    let metadata = [("document", "photo"), ("filetype", "image/jpeg")];
    let place = tus.create(file.len() as u64, &metadata).await.expect("made");
    assert_eq!(
        tus.append(&place.path, 7, file[7..20].to_vec()).await,
        Err(Fault::Refused(409))
    );

    // Each piece breaks off somewhere; what the server has of it is asked for and not sent again.
    let (mut offset, mut cuts) = (0_u64, 0);
    while offset < file.len() as u64 {
        let rest = &file[offset as usize..];
        let piece = &rest[..rest.len().min(65_536)];
        let line = http(breaking(peer.port, vec![40_000 + cuts * 1_111]).await);
        let went = Tus(Caller::Nobody(&line))
            .append(&place.path, offset, piece.to_vec())
            .await;
        let now = match went {
            Ok(now) => now,
            Err(fault) => {
                assert_eq!(fault, Fault::Cut);
                cuts += 1;
                assert!(cuts < 50, "it keeps nothing of a piece that breaks off");
                loop {
                    match tus.offset(&place.path).await {
                        // It has the request that broke off still.
                        Err(Fault::Refused(423)) => tokio::task::yield_now().await,
                        other => break other.expect("an offset"),
                    }
                }
            }
        };
        assert!(now >= offset && now <= offset + piece.len() as u64);
        offset = now;
    }

    assert!(cuts > 5, "{cuts}");
    let done: serde_json::Value = serde_json::from_str(&peer.line()).expect("JSON");
    assert_eq!(done["size"], file.len());
    assert_eq!(done["metadata"]["document"], "photo");
    let kept = std::fs::read(folder.path().join(done["id"].as_str().expect("an id"))).expect("kept");
    assert!(kept == file, "other bytes");
    assert_eq!(
        tus.offset("/api/uploads/not-there").await,
        Err(Fault::Refused(404))
    );
}
