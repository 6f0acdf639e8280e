//! A server in a temporary directory, with a clock that stands still.

use hms_server::app::App;
use hms_server::clock::Clock;
use hms_server::data_dir::DataDir;
use tempfile::TempDir;

/// 2026-11-21T12:00:00Z.
pub const NOON: i64 = 1_795_262_400_000;

pub struct World {
    pub app: App,
    pub dir: DataDir,
    _temp: TempDir,
}

impl World {
    pub fn new() -> Self {
        let temp = TempDir::new().expect("temporary directory");
        let dir = DataDir::init(temp.path()).expect("init");
        let app = App::open(&dir, Clock::manual(NOON)).expect("open");
        Self { app, dir, _temp: temp }
    }
}
