//! Which targets are 32-bit machines: commands for them run under that personality, so that `uname` and
//! configure scripts say what they would say on the real thing. The list is mock's.

/// Whether commands for `arch` run as on a 32-bit machine.
pub fn thirty_two_bit(arch: &str) -> bool {
    let exactly = [
        "i386", "i486", "i586", "i686", "athlon", "armv7", "armv7l", "armv8", "armv8l", "ppc",
        "sparc", "sparcv9", "s390", "mips", "mipsel", "mipsr6", "mipsr6el", "riscv32",
    ];
    // armv7hl, armv7hnl, armv8b and so on.
    let arm = ["armv7", "armv8"].iter().any(|family| {
        arch.strip_prefix(family)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| "hncbl".contains(c)))
    });
    exactly.contains(&arch) || arm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_architectures_are_told_from_wide_ones() {
        for arch in ["i686", "armv7hl", "armv8hcnb", "s390"] {
            assert!(thirty_two_bit(arch), "{arch}");
        }
        for arch in ["x86_64", "aarch64", "s390x", "noarch", "ppc64le", "armv9"] {
            assert!(!thirty_two_bit(arch), "{arch}");
        }
    }
}
