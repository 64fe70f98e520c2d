//! Settings of the private `PostgreSQL`, fit for the machine. `docs/OPERATIONS.md` has the same table
//! for those who run their own, with what each is for.

use nix::sys::statvfs::statvfs;
use std::fs;
use std::path::Path;

const MEBIBYTE: u64 = 1024 * 1024;
/// What is taken for the machine's memory where the system does not tell.
const MEMORY_UNKNOWN: u64 = 1024 * MEBIBYTE;
/// A quarter of memory, within these.
const SHARED_BUFFERS: (u64, u64) = (128 * MEBIBYTE, 4096 * MEBIBYTE);
/// A tenth of the free space, within these: at 20 MB/s the larger lasts some minutes.
const WAL: (u64, u64) = (512 * MEBIBYTE, 8192 * MEBIBYTE);
/// Connections beside the server's own: commands, and whoever looks.
const OTHER_CONNECTIONS: u32 = 20;

/// Sizes of the private `PostgreSQL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    memory: u64,
    free: u64,
    connections: u32,
}

impl Sizes {
    /// For this machine, a data folder, and as many connections as the server uses.
    pub fn of_machine(connections: u32, data: &Path) -> Self {
        let free = statvfs(data).map(|found| found.blocks_available() * found.fragment_size());
        Self { memory: memory(), free: free.unwrap_or(0), connections }
    }

    /// As options of the program, which compresses what it logs in some way.
    pub(super) fn options(self, socket_dir: &Path, compression: &str) -> String {
        let mebibytes = |size: u64, (least, most): (u64, u64)| size.clamp(least, most) / MEBIBYTE;
        let buffers = mebibytes(self.memory / 4, SHARED_BUFFERS);
        let cache = mebibytes(self.memory / 2, (SHARED_BUFFERS.0, u64::MAX));
        let wal = mebibytes(self.free / 10, WAL);
        let connections = self.connections + OTHER_CONNECTIONS;
        // Terse and without statements: the server's own log must not hold what rows hold.
        format!(
            "-k '{}' -c listen_addresses='' -c log_error_verbosity=terse \
             -c log_min_error_statement=panic -c max_connections={connections} \
             -c shared_buffers={buffers}MB -c effective_cache_size={cache}MB \
             -c max_wal_size={wal}MB -c wal_compression={compression} -c checkpoint_timeout=15min -c wal_buffers=16MB \
             -c wal_init_zero=off -c wal_writer_delay=10ms -c wal_writer_flush_after=256kB \
             -c random_page_cost=1.1 -c jit=off",
            socket_dir.display()
        )
    }
}

/// Bytes of memory that this process may count on.
fn memory() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let kilobytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        kilobytes.trim().trim_end_matches(" kB").parse::<u64>().ok()
    });
    let machine = machine.map_or(MEMORY_UNKNOWN, |kilobytes| kilobytes * 1024);
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    group.and_then(|text| text.trim().parse().ok()).map_or(machine, |own: u64| own.min(machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_memory_up_to_four_gibibytes_and_a_tenth_of_the_space() {
        let gib = 1024 * MEBIBYTE;
        for (memory, free, said) in [
            (gib / 4, gib, ["shared_buffers=128MB", "max_wal_size=512MB"]),
            (8 * gib, 20 * gib, ["shared_buffers=2048MB", "max_wal_size=2048MB"]),
            (64 * gib, 1000 * gib, ["shared_buffers=4096MB", "max_wal_size=8192MB"]),
        ] {
            let options = Sizes { memory, free, connections: 12 }.options(Path::new("/s"), "lz4");
            assert!(said.iter().all(|part| options.contains(part)), "{options}");
            assert!(options.contains("max_connections=32 "), "{options}");
        }
    }
}
