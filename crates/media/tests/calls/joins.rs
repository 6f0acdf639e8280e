//! Joining and leaving leave nothing behind.

use hms_media::{CallEvent, PictureFormat, Voice};

use crate::side::{config, join};

/// Calls before the first count: what is made once stays.
const WARM_UP: usize = 3;

/// Threads, open files and resident kilobytes of this process.
fn held() -> [usize; 3] {
    let status = std::fs::read_to_string("/proc/self/status").expect("figures");
    let figure = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
            .expect("a figure")
    };
    let files = std::fs::read_dir("/proc/self/fd").expect("files").count();
    [figure("Threads:"), files, figure("VmRSS:")]
}

/// What a process holds is told by a process that does nothing else: the other tests of this one open relays meanwhile.
#[cfg(target_os = "linux")]
#[test]
fn joining_and_leaving_leaves_nothing_behind() {
    let this = std::env::current_exe().expect("this test's program");
    let alone = std::process::Command::new(this)
        .args(["joins::joins_and_leaves", "--exact", "--ignored", "--nocapture"])
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&alone.stdout);
    println!("{said}");
    assert!(
        alone.status.success() && said.contains("before,"),
        "{said}{}",
        String::from_utf8_lossy(&alone.stderr)
    );
}

/// `HMS_JOINS=50` joins so often; ten times else.
#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn joins_and_leaves() {
    let joins = std::env::var("HMS_JOINS").ok().and_then(|told| told.parse().ok());
    let mut before = [0; 3];
    for number in 0..WARM_UP + joins.unwrap_or(10) {
        if number == WARM_UP {
            before = held();
        }
        let (mut carrier, mut clinician) = join(
            config(Voice::Carrier, PictureFormat::SMALL),
            config(Voice::Clinician, PictureFormat::SMALL),
            |_, sdp| sdp,
        )
        .await;
        carrier.event(&CallEvent::FirstFrame).await;
        clinician.event(&CallEvent::FirstFrame).await;
        tokio::join!(carrier.call.hang_up(), clinician.call.hang_up());
    }
    // The last threads end a moment after they have said so.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let after = held();
    println!("threads, files, kB: {before:?} before, {after:?} after");
    assert!(after[0] <= before[0], "threads: {before:?} {after:?}");
    assert!(after[1] <= before[1], "files: {before:?} {after:?}");
    assert!(after[2] <= before[2] + 20_000, "memory: {before:?} {after:?}");
}
