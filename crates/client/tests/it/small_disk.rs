//! A small file system of its own, to fill up. Only root can mount one; elsewhere a test says that it was skipped.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(megabytes: u32, dir: &Path) -> Option<Self> {
        fs::create_dir_all(dir).expect("a folder");
        let size = format!("size={megabytes}m,mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(dir)
            .output();
        match mounted {
            Ok(done) if done.status.success() => Some(Self(dir.to_owned())),
            _ => {
                println!("skipped: a small file system cannot be mounted here");
                None
            }
        }
    }

    /// Fills what is left, but for `spare` bytes.
    pub fn fill(&self, spare: u64) {
        let path = self.0.join("ballast");
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .expect("ballast");
        let block = [1_u8; 4096];
        while file.write_all(&block).is_ok() {}
        let length = file.metadata().expect("length").len();
        file.set_len(length.saturating_sub(spare)).expect("spares");
    }

    pub fn clear(&self) {
        fs::remove_file(self.0.join("ballast")).expect("clears");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}
