//! A line in front of the real server, at the address that the server calls its own, which breaks chosen requests off at
//! a byte on the way up or down. It speaks plain HTTP: every byte is one of the request's or of the answer's.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hms_client::Provisioning;
use hms_server::app::App;
use hms_server::clock::Clock;
use hms_server::data_dir::DataDir;
use hms_server::jobs::Jobs;
use hms_server::settings::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::cutter::Cut;
use crate::line::{behind, Head};
use crate::world::World;

/// What becomes of a request whose first line holds a text.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Break(Cut),
    Refuse(u16),
}

#[derive(Default)]
struct Seen {
    /// Each is done once.
    plans: Vec<(&'static str, Plan)>,
    made: usize,
    /// First line, bytes up, bytes down of each request that went through whole.
    sizes: Vec<(String, usize, usize)>,
}

/// The line and the server behind it. Both end with the test.
pub struct Snip {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    tasks: Vec<JoinHandle<()>>,
    _jobs: Jobs,
}

impl Drop for Snip {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Snip {
    /// Stops the world's server and serves its data behind the line, which listens at `at`.
    pub async fn before(world: &mut World, at: &str) -> Self {
        world.stop_server().await;
        let line = TcpListener::bind(at).await.expect("a port");
        let behind = TcpListener::bind(at).await.expect("a port");
        let (address, upstream) = (
            line.local_addr().expect("an address"),
            behind.local_addr().expect("an address"),
        );
        let dir = DataDir::open(&world.dir.path().join("server")).expect("data");
        let settings = Settings {
            base_url: format!("http://{address}"),
            ..Settings::read(&dir).expect("settings")
        };
        let app = App::open_with(&dir, Clock::System, settings).expect("opens");
        let jobs = Jobs::start(&app, None).await.expect("jobs");
        let routes = app.router().into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(behind, routes).await.expect("served") });
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let list = Arc::clone(&seen);
        let carrying = tokio::spawn(async move {
            while let Ok((phone, _)) = line.accept().await {
                let list = Arc::clone(&list);
                tokio::spawn(async move {
                    // A connection that ends early is what it is here for.
                    let _ = carry(phone, upstream, &list).await;
                });
            }
        });
        Self {
            address,
            seen,
            tasks: vec![serving, carrying],
            _jobs: jobs,
        }
    }

    /// The server as the phone gets to know it.
    pub fn provisioning(&self, server: &Provisioning) -> Provisioning {
        behind(&self.address.to_string(), server)
    }

    /// The next request whose first line holds this breaks off there.
    pub fn cut(&self, part: &'static str, cut: Cut) {
        self.plan(part, Plan::Break(cut));
    }

    /// The next request whose first line holds this is answered so; the server never sees it.
    pub fn refuse(&self, part: &'static str, status: u16) {
        self.plan(part, Plan::Refuse(status));
    }

    fn plan(&self, part: &'static str, plan: Plan) {
        self.seen.lock().expect("seen").plans.push((part, plan));
    }

    /// Whether all that was planned has come about.
    pub fn is_done(&self) -> bool {
        self.seen.lock().expect("seen").plans.is_empty()
    }

    /// Lets go of what has not come about.
    pub fn forget(&self) {
        self.seen.lock().expect("seen").plans.clear();
    }

    /// Cuts that were made.
    pub fn made(&self) -> usize {
        self.seen.lock().expect("seen").made
    }

    /// Bytes up and down of the newest whole request whose first line holds this.
    pub fn size_of(&self, part: &str) -> (usize, usize) {
        let seen = self.seen.lock().expect("seen");
        let found = seen.sizes.iter().rev().find(|(line, _, _)| line.contains(part));
        found.map(|(_, up, down)| (*up, *down)).expect("such a request")
    }
}

/// One request on each connection: the server is asked to close it after its answer.
async fn carry(mut phone: TcpStream, upstream: SocketAddr, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let head = Head::read(&mut phone).await?;
    let mut server = TcpStream::connect(upstream).await?;
    let mut request = head.closing().into_bytes();
    if head.upgrades() {
        server.write_all(&request).await?;
        tokio::io::copy_bidirectional(&mut phone, &mut server).await?;
        return Ok(());
    }
    let begun = request.len();
    request.resize(begun + head.length(), 0);
    phone.read_exact(&mut request[begun..]).await?;
    let plan = {
        let mut seen = seen.lock().expect("seen");
        let at = seen.plans.iter().position(|(part, _)| head.line.contains(part));
        let plan = at.map(|at| seen.plans.remove(at).1);
        seen.made += usize::from(matches!(plan, Some(Plan::Break(_))));
        plan
    };
    match plan {
        Some(Plan::Refuse(status)) => {
            let answer = format!("HTTP/1.1 {status} No\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
            phone.write_all(answer.as_bytes()).await?;
            return phone.shutdown().await;
        }
        Some(Plan::Break(Cut::Up(at))) => {
            // All but what the line lost; the server may answer, and nobody is there any more.
            server.write_all(&request[..at.min(request.len())]).await?;
            return server.flush().await;
        }
        Some(Plan::Break(Cut::Down(_))) | None => server.write_all(&request).await?,
    }
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    match plan {
        Some(Plan::Break(Cut::Down(at))) => phone.write_all(&answer[..at.min(answer.len())]).await?,
        _ => {
            phone.write_all(&answer).await?;
            let mut seen = seen.lock().expect("seen");
            seen.sizes.push((head.line, request.len(), answer.len()));
        }
    }
    phone.shutdown().await
}
