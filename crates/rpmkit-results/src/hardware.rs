//! `hw_info.log`: processors, memory and disks of the host, in the forms of `lscpu`, `free --human` and
//! `df -H -T`, which is what mock's plugin runs. Read from the kernel, as a host need not have the programs.

use std::{collections::BTreeSet, fmt::Write as _, fs, os::unix::fs::MetadataExt, path::Path};

/// The report; `places` are the chroot's and the cache's directories.
pub fn hardware_report(places: &[&Path]) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut out = String::from("CPU info:\n");
    out.push_str(&processors(&read("/proc/cpuinfo")));
    out.push_str("\n\nMemory:\n");
    out.push_str(&memory(&read("/proc/meminfo")));
    out.push_str("\n\nStorage (chroot, cache_topdir):\n");
    out.push_str(&storage(&read("/proc/self/mountinfo"), places));
    out
}

fn field<'a>(cpuinfo: &'a str, name: &str) -> Option<&'a str> {
    cpuinfo
        .lines()
        .find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name))
        .map(|(_, value)| value.trim())
}

fn distinct(cpuinfo: &str, name: &str) -> usize {
    let values: BTreeSet<&str> = cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
        .collect();
    values.len()
}

fn processors(cpuinfo: &str) -> String {
    let machine = nix::sys::utsname::uname()
        .map(|u| u.machine().to_string_lossy().into_owned())
        .unwrap_or_default();
    let count = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let mut rows: Vec<(&str, String)> = vec![("Architecture", machine.clone())];
    if machine == "x86_64" {
        rows.push(("  CPU op-mode(s)", "32-bit, 64-bit".to_owned()));
    }
    if let Some(sizes) = field(cpuinfo, "address sizes") {
        rows.push(("  Address sizes", sizes.to_owned()));
    }
    let order = if cfg!(target_endian = "little") {
        "Little Endian"
    } else {
        "Big Endian"
    };
    rows.push(("  Byte Order", order.to_owned()));
    rows.push(("CPU(s)", count.to_string()));
    if let Some(last) = count.checked_sub(1) {
        let list = if last == 0 {
            "0".to_owned()
        } else {
            format!("0-{last}")
        };
        rows.push(("  On-line CPU(s) list", list));
    }
    let sockets = distinct(cpuinfo, "physical id");
    let cores = field(cpuinfo, "cpu cores").and_then(|n| n.parse::<usize>().ok());
    let siblings = field(cpuinfo, "siblings").and_then(|n| n.parse::<usize>().ok());
    for (label, name) in [
        ("Vendor ID", "vendor_id"),
        ("  Model name", "model name"),
        ("    CPU family", "cpu family"),
        ("    Model", "model"),
    ] {
        rows.extend(field(cpuinfo, name).map(|value| (label, value.to_owned())));
    }
    if let (Some(cores), Some(siblings)) = (cores.filter(|n| *n > 0), siblings) {
        rows.push((
            "    Thread(s) per core",
            (siblings / cores).max(1).to_string(),
        ));
        rows.push(("    Core(s) per socket", cores.to_string()));
    }
    if sockets > 0 {
        rows.push(("    Socket(s)", sockets.to_string()));
    }
    for (label, name) in [
        ("    Stepping", "stepping"),
        ("    BogoMIPS", "bogomips"),
        ("    Flags", "flags"),
    ] {
        rows.extend(field(cpuinfo, name).map(|value| (label, value.to_owned())));
    }
    rows.iter().fold(String::new(), |mut out, (label, value)| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{:<25}{value}", format!("{label}:"));
        out
    })
}

fn memory(meminfo: &str) -> String {
    let kilobytes = |name: &str| -> u64 {
        meminfo
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .unwrap_or(0)
    };
    let (total, free) = (kilobytes("MemTotal"), kilobytes("MemFree"));
    let cache = kilobytes("Buffers") + kilobytes("Cached") + kilobytes("SReclaimable");
    let available = kilobytes("MemAvailable");
    let swap = (kilobytes("SwapTotal"), kilobytes("SwapFree"));
    let mut out = format!("{:>20}", "total");
    for heading in ["used", "free", "shared", "buff/cache", "available"] {
        let _ = write!(out, "{heading:>12}");
    }
    out.push_str("\nMem:    ");
    for amount in [
        total,
        total.saturating_sub(available),
        free,
        kilobytes("Shmem"),
        cache,
        available,
    ] {
        let _ = write!(out, "{:>12}", binary(amount));
    }
    out.push_str("\nSwap:   ");
    for amount in [swap.0, swap.0.saturating_sub(swap.1), swap.1] {
        let _ = write!(out, "{:>12}", binary(amount));
    }
    out.push('\n');
    out
}

/// Kilobytes as `free --human` has them.
fn binary(kilobytes: u64) -> String {
    if kilobytes == 0 {
        return "0B".to_owned();
    }
    let mut tenths = kilobytes.saturating_mul(10);
    for unit in ["Ki", "Mi", "Gi", "Ti"] {
        if tenths < 10_240 || unit == "Ti" {
            return if tenths < 100 {
                format!("{}.{}{unit}", tenths / 10, tenths % 10)
            } else {
                format!("{}{unit}", tenths / 10)
            };
        }
        tenths /= 1024;
    }
    String::new()
}

/// Bytes as `df -H` has them: powers of 1000, rounded up.
fn decimal(bytes: u64) -> String {
    if bytes == 0 {
        return "0".to_owned();
    }
    let mut size = 1_u64;
    for unit in ["", "k", "M", "G", "T", "P", "E"] {
        let next = size.checked_mul(1000);
        if next.is_none_or(|next| bytes < next) {
            let tenths = bytes.saturating_mul(10).div_ceil(size);
            return if tenths < 100 && size > 1 {
                format!("{}.{}{unit}", tenths / 10, tenths % 10)
            } else {
                format!("{}{unit}", bytes.div_ceil(size))
            };
        }
        size = next.unwrap_or(size);
    }
    String::new()
}

fn storage(mountinfo: &str, places: &[&Path]) -> String {
    let mut rows = vec![
        [
            "Filesystem",
            "Type",
            "Size",
            "Used",
            "Avail",
            "Use%",
            "Mounted on",
        ]
        .map(str::to_owned),
    ];
    let mut out = String::new();
    for place in places {
        // What is not there yet will lie where its nearest parent lies.
        let there = place.ancestors().find(|dir| dir.exists());
        let Some((there, fs)) =
            there.and_then(|dir| Some((dir, nix::sys::statvfs::statvfs(dir).ok()?)))
        else {
            let _ = writeln!(out, "df: {}: No such file or directory", place.display());
            continue;
        };
        let (device, kind, at) = mounted(mountinfo, there);
        let unit = fs.fragment_size();
        let used = (fs.blocks() - fs.blocks_free()) * unit;
        let free = fs.blocks_available() * unit;
        let share = if used + free == 0 {
            "-".to_owned()
        } else {
            format!("{}%", (used * 100).div_ceil(used + free))
        };
        rows.push([
            device,
            kind,
            decimal(fs.blocks() * unit),
            decimal(used),
            decimal(free),
            share,
            at,
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    for row in &rows {
        let mut line = format!(
            "{:<a$} {:<b$}",
            row[0],
            row[1],
            a = widths[0].max(14),
            b = widths[1].max(4)
        );
        for column in 2..6 {
            let _ = write!(line, " {:>w$}", row[column], w = widths[column].max(5));
        }
        let _ = writeln!(out, "{line} {}", row[6]);
    }
    out
}

/// Device, type and mount point of the file system a path is on.
fn mounted(mountinfo: &str, path: &Path) -> (String, String, String) {
    let device = fs::metadata(path).map_or(0, |meta| meta.dev());
    let number = format!(
        "{}:{}",
        nix::sys::stat::major(device),
        nix::sys::stat::minor(device)
    );
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut best: Option<(usize, [&str; 3])> = None;
    for line in mountinfo.lines() {
        let Some((left, right)) = line.split_once(" - ") else {
            continue;
        };
        let left: Vec<&str> = left.split(' ').collect();
        let mut right = right.split(' ');
        let (Some(here), Some(at)) = (left.get(2), left.get(4)) else {
            continue;
        };
        let (kind, source) = (right.next().unwrap_or("-"), right.next().unwrap_or("-"));
        if *here == number && path.starts_with(at) && best.is_none_or(|(len, _)| at.len() >= len) {
            best = Some((at.len(), [source, kind, at]));
        }
    }
    let [source, kind, at] = best.map_or(["-", "-", "-"], |(_, found)| found);
    (source.to_owned(), kind.to_owned(), at.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hardware_report_has_mocks_headings() {
        let text = hardware_report(&[Path::new("/"), Path::new("/no/such/place")]);
        for part in [
            "CPU info:\nArchitecture: ",
            "\nCPU(s): ",
            "\n\nMemory:\n               total        used        free",
            "\nSwap: ",
            "\n\nStorage (chroot, cache_topdir):\nFilesystem ",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let rows = text.lines().filter(|line| line.ends_with(" /")).count();
        assert_eq!(rows, 2, "{text}");
    }

    #[test]
    fn memory_is_shown_as_free_shows_it() {
        let text = memory(
            "MemTotal: 24731708 kB\nMemFree: 302792 kB\nMemAvailable: 23782324 kB\nBuffers: 1 kB\nCached: 1024 kB\n",
        );
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            rows[1],
            ["Mem:", "23Gi", "927Mi", "295Mi", "0B", "1.0Mi", "22Gi"]
        );
        assert_eq!(rows[2], ["Swap:", "0B", "0B", "0B"]);
    }

    #[test]
    fn disks_are_shown_as_df_shows_them() {
        for (bytes, text) in [
            (0, "0"),
            (999, "999"),
            (1500, "1.5k"),
            (270_553_000_000, "271G"),
        ] {
            assert_eq!(decimal(bytes), text);
        }
        let mounts = "27 1 0:0 / / rw - ext4 /dev/vda rw\n";
        assert_eq!(mounted(mounts, Path::new("/no/such")).0, "/dev/vda");
    }
}
