//! The client against the real server, both in this process, over TLS on a loopback port.

mod addresses;
mod alone;
mod call;
mod colleague;
mod conflict;
mod cutter;
mod damaged;
mod desk;
mod every_wait;
mod expired;
mod faults;
mod foreign;
mod full_disk;
mod handover;
mod heeds;
mod killed;
mod lifecycle;
mod locked;
mod logs;
mod media;
mod packed;
mod peers;
#[cfg(target_os = "linux")]
mod photo;
mod poison;
mod proof;
mod proxy;
mod restored;
mod small_disk;
mod snip;
mod story;
mod thin;
mod tokens;
mod uploads;
mod words;
mod world;
