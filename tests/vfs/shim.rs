//! A file layer under SQLite that writes down what is written, cut and synced, so that any moment can be played again:
//! with all that was written, as after a kill, or only with what was synced, as after a power cut.
#![expect(unsafe_code, reason = "SQLite's file layer is an interface of C")]

use rusqlite::ffi;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_void, CStr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};

/// One thing that happened to a file of the database.
#[derive(Debug, Clone)]
pub enum Event {
    Write {
        name: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        name: String,
        to: usize,
    },
    Sync {
        name: String,
    },
    Delete {
        name: String,
    },
    /// A small file beside the database, replaced as a whole and synced by the store itself before it goes on.
    Beside {
        name: String,
        bytes: Vec<u8>,
    },
}

/// Files that the store writes beside the database.
const BESIDE: [&str; 2] = ["op-floor", "store.keycheck"];

struct Log {
    dir: PathBuf,
    events: Vec<Event>,
    beside: BTreeMap<&'static str, Vec<u8>>,
}

/// What is written down, where it is: one folder at a time.
static LOG: Mutex<Option<Log>> = Mutex::new(None);

/// One test at a time: what is written down is of one folder.
pub async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ALONE.lock().await
}

/// Begins to write down what happens in a folder.
pub fn begin(dir: &Path) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    *LOG.lock().expect("a log") = Some(Log {
        dir: dir.to_owned(),
        events: Vec::new(),
        beside: BTreeMap::new(),
    });
}

/// How much has happened so far.
pub fn length() -> usize {
    let mut log = LOG.lock().expect("a log");
    let log = log.as_mut().expect("begun");
    look_beside(log);
    log.events.len()
}

/// Ends it, and gives all that happened.
pub fn end() -> Vec<Event> {
    length();
    LOG.lock().expect("a log").take().expect("begun").events
}

fn look_beside(log: &mut Log) {
    for name in BESIDE {
        if let Ok(bytes) = std::fs::read(log.dir.join(name)) {
            if log.beside.get(name) != Some(&bytes) {
                log.beside.insert(name, bytes.clone());
                log.events.push(Event::Beside {
                    name: name.to_owned(),
                    bytes,
                });
            }
        }
    }
}

fn note(path: &Path, event: impl FnOnce(String) -> Event) {
    let mut log = LOG.lock().expect("a log");
    if let (Some(log), Some(name)) = (log.as_mut(), path.file_name()) {
        if path.parent() == Some(log.dir.as_path()) {
            look_beside(log);
            log.events.push(event(name.to_string_lossy().into_owned()));
        }
    }
}

/// A file as SQLite sees it. SQLite gives the memory; the file of the system's own layer lies right behind.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    path: *mut PathBuf,
}

unsafe fn inner(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: `open` laid the inner file right behind ours, in memory that SQLite asked us the size of.
    unsafe { file.cast::<File>().add(1).cast() }
}

unsafe fn path<'a>(file: *mut ffi::sqlite3_file) -> &'a Path {
    // SAFETY: `open` put a path there, and `close` alone takes it away.
    unsafe { &*(*file.cast::<File>()).path }
}

macro_rules! forward {
    ($name:ident, $method:ident, $($arg:ident: $kind:ty),*) => {
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file, $($arg: $kind),*) -> c_int {
            // SAFETY: the system's own file, opened by its own layer, which has all methods of the first version.
            unsafe {
                let inner = inner(file);
                (*(*inner).pMethods).$method.expect("a method")(inner, $($arg),*)
            }
        }
    };
}

forward!(read, xRead, buffer: *mut c_void, length: c_int, at: ffi::sqlite3_int64);
forward!(size, xFileSize, size: *mut ffi::sqlite3_int64);
forward!(lock, xLock, level: c_int);
forward!(unlock, xUnlock, level: c_int);
forward!(check_lock, xCheckReservedLock, found: *mut c_int);
forward!(control, xFileControl, op: c_int, arg: *mut c_void);
forward!(sector, xSectorSize,);
forward!(traits, xDeviceCharacteristics,);
forward!(write_inner, xWrite, buffer: *const c_void, length: c_int, at: ffi::sqlite3_int64);
forward!(truncate_inner, xTruncate, to: ffi::sqlite3_int64);
forward!(sync_inner, xSync, flags: c_int);
forward!(close_inner, xClose,);
forward!(map, xShmMap, page: c_int, size: c_int, extend: c_int, found: *mut *mut c_void);
forward!(lock_map, xShmLock, offset: c_int, n: c_int, flags: c_int);
forward!(unmap, xShmUnmap, delete: c_int);

unsafe extern "C" fn barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: the system's own file, opened by its own layer, which has all methods of the second version.
    unsafe {
        let inner = inner(file);
        (*(*inner).pMethods).xShmBarrier.expect("a method")(inner);
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    buffer: *const c_void,
    length: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives so many bytes there.
    let bytes =
        unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), usize::try_from(length).unwrap_or(0)) };
    // SAFETY: an open file.
    note(unsafe { path(file) }, |name| Event::Write {
        name,
        at: usize::try_from(at).unwrap_or(0),
        bytes: bytes.to_vec(),
    });
    // SAFETY: as SQLite called us.
    unsafe { write_inner(file, buffer, length, at) }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, to: ffi::sqlite3_int64) -> c_int {
    // SAFETY: an open file.
    note(unsafe { path(file) }, |name| Event::Truncate {
        name,
        to: usize::try_from(to).unwrap_or(0),
    });
    // SAFETY: as SQLite called us.
    unsafe { truncate_inner(file, to) }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as SQLite called us; noted once it is done.
    let done = unsafe { sync_inner(file, flags) };
    // SAFETY: an open file.
    note(unsafe { path(file) }, |name| Event::Sync { name });
    done
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: an open file, closed once; the path was made by `open`.
    unsafe {
        let done = close_inner(file);
        drop(Box::from_raw((*file.cast::<File>()).path));
        done
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // The second version: shared memory is there for the server beside the store, which does without; no mapped files.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector),
    xDeviceCharacteristics: Some(traits),
    xShmMap: Some(map),
    xShmLock: Some(lock_map),
    xShmBarrier: Some(barrier),
    xShmUnmap: Some(unmap),
    xFetch: None,
    xUnfetch: None,
};

/// The system's own layer.
fn system() -> *mut ffi::sqlite3_vfs {
    // SAFETY: a name that ends with a zero; SQLite's own list.
    unsafe { ffi::sqlite3_vfs_find(c"unix".as_ptr()) }
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let path = if name.is_null() {
        PathBuf::new()
    } else {
        // SAFETY: a text that ends with a zero.
        PathBuf::from(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
    };
    // SAFETY: SQLite gave memory of the size that we asked for: ours, and the system's behind it.
    unsafe {
        let system = system();
        let done = (*system).xOpen.expect("opens")(system, name, inner(file), flags, out);
        let ours = file.cast::<File>();
        if done == ffi::SQLITE_OK {
            (*ours).path = Box::into_raw(Box::new(path));
            (*ours).base.pMethods = &raw const METHODS;
        } else {
            (*ours).base.pMethods = std::ptr::null();
        }
        done
    }
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: a text that ends with a zero.
    let path = PathBuf::from(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned());
    note(&path, |name| Event::Delete { name });
    // SAFETY: as SQLite called us.
    unsafe {
        let system = system();
        (*system).xDelete.expect("deletes")(system, name, sync)
    }
}

/// Puts this layer under every database that is opened from now on.
fn register() {
    // SAFETY: SQLite is made ready first; the copy lives as long as the process, as SQLite asks for.
    unsafe {
        assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
        let mut vfs = *system();
        vfs.szOsFile += c_int::try_from(size_of::<File>()).expect("small");
        vfs.zName = c"written-down".as_ptr();
        vfs.pNext = std::ptr::null_mut();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        let kept: &'static mut ffi::sqlite3_vfs = Box::leak(Box::new(vfs));
        assert_eq!(ffi::sqlite3_vfs_register(kept, 1), ffi::SQLITE_OK);
    }
}
