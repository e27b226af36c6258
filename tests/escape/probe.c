/*
 * Tries every way out of a chroot that we could think of. Run inside, it prints a line a probe:
 *
 *     name verdict
 *
 * shut: refused; none: there is no such thing here; OPEN: it went through; died: the probe itself did.
 * Its argument is `root` or `user`: what it runs as. The rows below say what is tried, and as whom; that it is shut
 * is what every row expects of every identity. SECRET, PORT, SOCKET and PROCESS in its environment are a file,
 * a port, an abstract socket and a process of the host.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acct.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum verdict { SHUT, OPEN, NONE };
static const char *words[] = { "shut", "OPEN", "none" };

/* A result of a system call: anything but a refusal is a way through. */
static int of(long result) { return result < 0 ? SHUT : OPEN; }

static int nothing_there(int error) { return error == ENOENT || error == ENOTDIR || error == ENXIO || error == ENODEV; }

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 ? OPEN : nothing_there(errno) ? NONE : SHUT;
}

/* Reads: a file that opens and is empty or all zeros tells nothing. */
static int r(const char *path)
{
	char buf[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return nothing_there(errno) ? NONE : SHUT;
	return read(fd, buf, sizeof buf) > 0 ? OPEN : SHUT;
}
static int w(const char *path) { return opened(path, O_WRONLY); }
static int d(const char *path)
{
	DIR *dir = opendir(path);
	int entries = 0;
	if (!dir)
		return nothing_there(errno) ? NONE : SHUT;
	while (readdir(dir))
		entries++;
	return entries > 2 ? OPEN : SHUT;
}

/* "b 8 0": makes the device and opens it. That there is no such device is luck. */
static int node(const char *what)
{
	char kind;
	unsigned major, minor;
	const char *path = "/tmp/probe-node";
	struct stat st;
	sscanf(what, "%c %u %u", &kind, &major, &minor);
	unlink(path);
	if (mknod(path, (kind == 'b' ? S_IFBLK : S_IFCHR) | 0666, makedev(major, minor)))
		return SHUT;
	int fd = open(path, O_RDONLY | O_NONBLOCK), error = errno;
	int device = !lstat(path, &st) && !S_ISREG(st.st_mode);
	unlink(path);
	return device && (fd >= 0 || nothing_there(error)) ? OPEN : SHUT;
}

/* Mounts a file system of this type. */
static int m(const char *type)
{
	const char *at = "/tmp/probe-mount";
	mkdir(at, 0700);
	if (mount("none", at, type, 0, NULL))
		return errno == ENODEV ? NONE : SHUT;
	umount2(at, MNT_DETACH);
	return OPEN;
}
static int cgroup2(const char *unused)
{
	const char *at = "/tmp/probe-mount";
	mkdir(at, 0700);
	if (mount("none", at, "cgroup2", 0, NULL))
		return SHUT;
	int found = opened("/tmp/probe-mount/cgroup.procs", O_WRONLY) == OPEN || !mkdir("/tmp/probe-mount/probe", 0700);
	umount2(at, MNT_DETACH);
	return found ? OPEN : SHUT;
}
static int remount(const char *at) { return of(mount(NULL, at, NULL, MS_REMOUNT | MS_BIND, NULL)); }
static int sys_rw(const char *unused)
{
	if (remount("/sys") == SHUT)
		return SHUT;
	return w("/sys/kernel/uevent_helper") == OPEN || w("/sys/power/state") == OPEN ? OPEN : SHUT;
}
static int take_off(const char *at)
{
	if (umount2(at, MNT_DETACH))
		return SHUT;
	return w("/proc/sys/kernel/core_pattern") == OPEN || w("/proc/sysrq-trigger") == OPEN ? OPEN : SHUT;
}

/* System calls by name; a row each. */
#define CALL(name, ...) static int name(const char *unused) { return of(__VA_ARGS__); }
static char zero[256];
static struct timespec now(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return t; }
CALL(bpf_map, syscall(SYS_bpf, 0, (uint32_t[16]){ 1, 4, 4, 1 }, 64))
CALL(bpf_load, syscall(SYS_bpf, 5, zero, 64))
CALL(perf, syscall(SYS_perf_event_open, (uint32_t[32]){ 1, 128 }, 0, -1, -1, 0))
CALL(perf_all, syscall(SYS_perf_event_open, (uint32_t[32]){ 1, 128 }, -1, 0, -1, 0))
CALL(key_session, syscall(SYS_keyctl, 0, -3, 0))
CALL(key_user, syscall(SYS_keyctl, 0, -4, 0))
CALL(key_search, syscall(SYS_keyctl, 10, -3, "user", "probe", 0))
CALL(key_add, syscall(SYS_add_key, "user", "probe", "x", 1, -3))
CALL(key_request, syscall(SYS_request_key, "user", "probe", NULL, -3))
CALL(userfault, syscall(SYS_userfaultfd, 0))
CALL(kexec, syscall(SYS_kexec_load, 0, 0, NULL, 0))
CALL(kexec_file, syscall(SYS_kexec_file_load, -1, -1, 0, "", 4))
CALL(module_init, syscall(SYS_init_module, zero, 0, ""))
CALL(module_file, syscall(SYS_finit_module, open("/dev/null", O_RDONLY), "", 0))
CALL(module_delete, syscall(SYS_delete_module, "loop", O_NONBLOCK))
CALL(clock_set, ({ struct timespec t = now(); clock_settime(CLOCK_REALTIME, &t); }))
CALL(time_of_day, ({ struct timespec t = now(); struct timeval v = { t.tv_sec, t.tv_nsec / 1000 }; settimeofday(&v, NULL); }))
CALL(time_zone, settimeofday(NULL, &(struct timezone){ 0, 0 }))
CALL(clock_tick, adjtimex(&(struct timex){ .modes = ADJ_FREQUENCY }))
CALL(swap_on, swapon("/tmp/probe-file", 0))
CALL(swap_off, ({ int e = swapoff("/tmp/probe-file"); if (errno != EPERM) e = 0; e; }))
CALL(accounting, ({ int e = acct("/tmp/probe-acct"); if (!e) acct(NULL); e; }))
CALL(kernel_log, klogctl(3, zero, sizeof zero))
CALL(kernel_level, klogctl(8, NULL, 4))
CALL(cad, reboot(RB_DISABLE_CAD))
#ifdef __x86_64__
CALL(io_level, syscall(SYS_iopl, 3))
CALL(io_ports, syscall(SYS_ioperm, 0x80, 1, 1))
#else
CALL(io_level, -1)
CALL(io_ports, -1)
#endif
CALL(quota, syscall(SYS_quotactl, 0x80000200, "/dev/vda", 1, "")) /* Q_QUOTAON */
CALL(trace_init, ptrace(PTRACE_ATTACH, 1, 0, 0))
CALL(seize_init, ptrace(PTRACE_SEIZE, 1, 0, 0))
CALL(fifo, sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 10 }))
CALL(nicer, setpriority(PRIO_PROCESS, 0, -20))
CALL(io_first, syscall(SYS_ioprio_set, 1, 0, 1 << 13))
CALL(watch_all, fanotify_init(FAN_CLASS_CONTENT, 0))
CALL(hang_up, syscall(SYS_vhangup))
CALL(cookie, syscall(SYS_lookup_dcookie, 0L, zero, sizeof zero))
CALL(more_files, ({ struct rlimit l; getrlimit(RLIMIT_NOFILE, &l); l.rlim_max += 1; l.rlim_cur = l.rlim_max; setrlimit(RLIMIT_NOFILE, &l); }))
CALL(become_root, ({ int e = setuid(0); if (!e && getuid() != 0) e = -1; e; }))
CALL(become_group, setgid(0))
CALL(join_groups, setgroups(1, (gid_t[]){ 0 }))
CALL(keep_caps, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0))
CALL(pages_of_init, ({ int s; syscall(SYS_move_pages, 1, 1, (void *[]){ zero }, NULL, &s, 0); }))
/* Were it to die, nothing would be printed any more. */
static int kill_init(const char *unused) { return kill(1, SIGKILL), SHUT; }
CALL(fs_context, ({ int f = syscall(SYS_fsopen, "ext4", 0); f < 0 ? -1 : syscall(SYS_fsconfig, f, 6, NULL, NULL, 0); }))
CALL(fs_cgroup, ({ int f = syscall(SYS_fsopen, "cgroup", 0); f < 0 ? -1 : syscall(SYS_fsconfig, f, 6, NULL, NULL, 0); }))

static int read_init(const char *unused)
{
	struct iovec here = { zero, 8 }, there = { (void *)environ, 8 };
	return of(process_vm_readv(1, &here, 1, &there, 1, 0));
}
static int fd_of_init(const char *number)
{
	int init = syscall(SYS_pidfd_open, 1, 0);
	return init < 0 ? SHUT : of(syscall(SYS_pidfd_getfd, init, atoi(number), 0));
}
/* That these change nothing outside is for the caller to see. */
static int host_name(const char *name) { return sethostname(name, strlen(name)), setdomainname(name, strlen(name)), SHUT; }
static int kill_all(const char *unused)
{
	/* Everybody we can see but pid 1, by number: -1 would take the shell that reads this with it. */
	for (int pid = 2; pid < 400; pid++)
		if (kill(pid, 0) == 0 && pid != getpid() && pid != getppid()) {
			char path[64], line[64] = "";
			snprintf(path, sizeof path, "/proc/%d/comm", pid);
			int fd = open(path, O_RDONLY);
			if (fd < 0 || read(fd, line, sizeof line - 1) <= 0)
				return OPEN; /* a process that /proc does not show is not one of ours */
			close(fd);
		}
	return SHUT;
}
static int compare_init(const char *unused) { return of(syscall(SYS_kcmp, getpid(), 1, 2, 0, 0)); }
static int by_handle(const char *dir)
{
	struct { struct file_handle h; unsigned char space[128]; } f;
	int id, at = open(dir, O_RDONLY | O_DIRECTORY);
	f.h.handle_bytes = sizeof f.space;
	if (name_to_handle_at(at, "", &f.h, &id, AT_EMPTY_PATH)) {
		f.h.handle_bytes = 8;
		f.h.handle_type = 1;
		memset(f.h.f_handle, 0, 8);
		f.h.f_handle[0] = 2; /* the root of an ext4 */
	}
	return of(open_by_handle_at(at, &f.h, O_RDONLY));
}
static int namespace_of_init(const char *path)
{
	int fd = open(path, O_RDONLY);
	return fd < 0 ? SHUT : of(setns(fd, 0)) == OPEN && w("/proc/sys/kernel/core_pattern") == OPEN ? OPEN : SHUT;
}

/* Files of the host. */
static int tells(int fd)
{
	char buf[64] = "";
	return fd >= 0 && pread(fd, buf, sizeof buf - 1, 0) > 0 && strstr(buf, "hunter2") ? OPEN : SHUT;
}
static int secret_at(const char *before)
{
	char path[4096];
	snprintf(path, sizeof path, "%s%s", before, getenv("SECRET"));
	return tells(open(path, O_RDONLY));
}
static int below(int dir)
{
	if (dir < 0 || fchdir(dir))
		return SHUT;
	for (int i = 0; i < 100; i++)
		if (chdir(".."))
			break;
	return tells(open(getenv("SECRET") + 1, O_RDONLY));
}
static int secret_by_fd(const char *unused)
{
	for (int fd = 0; fd < 1024; fd++) {
		char path[64];
		if (fcntl(fd, F_GETFD) < 0)
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (tells(fd) == OPEN || tells(open(path, O_RDONLY)) == OPEN || below(fd) == OPEN)
			return OPEN;
	}
	return SHUT;
}
static int extra_fds(const char *unused)
{
	int extra = 0;
	for (int fd = 3; fd < 1024; fd++)
		extra += fcntl(fd, F_GETFD) >= 0;
	return extra ? OPEN : SHUT;
}
static int double_chroot(const char *unused)
{
	int root = open("/", O_RDONLY | O_DIRECTORY);
	mkdir("/tmp/probe-root", 0700);
	if (chroot("/tmp/probe-root"))
		return SHUT;
	return below(root);
}
static int init_root(const char *unused) { return below(open("/proc/1/root", O_RDONLY | O_DIRECTORY)); }
static int parent_root(const char *unused)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/root", getppid());
	return below(open(path, O_RDONLY | O_DIRECTORY));
}
static int hard_link(const char *unused)
{
	unlink("/tmp/probe-link");
	return of(link(getenv("SECRET"), "/tmp/probe-link"));
}
static int host_process(const char *unused)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		char path[300], line[4096] = "";
		if (atoi(entry->d_name) <= 0)
			continue;
		snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
		int fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, line, sizeof line - 1) > 0 && !strcmp(line, "sleep") && !strcmp(line + 6, getenv("PROCESS")))
			return OPEN;
		close(fd);
	}
	return SHUT;
}

/* Network: there is only loopback, and nothing of the host's on it. */
static int connects(int family, void *to, socklen_t size)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return SHUT;
	struct timeval two = { 2, 0 };
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &two, sizeof two);
	if (!connect(fd, to, size))
		return OPEN;
	/* Somebody who refuses is there, and has been reached. */
	return family != AF_UNIX && errno == ECONNRESET ? OPEN : SHUT;
}
static int tcp(const char *address)
{
	struct sockaddr_in to = { AF_INET, htons(atoi(getenv("PORT"))), { inet_addr(address) } };
	return connects(AF_INET, &to, sizeof to);
}
static int udp(const char *address)
{
	struct sockaddr_in to = { AF_INET, htons(53), { inet_addr(address) } };
	return of(sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (void *)&to, sizeof to));
}
static int abstract(const char *unused)
{
	struct sockaddr_un to = { AF_UNIX, "" };
	strncpy(to.sun_path + 1, getenv("SOCKET"), sizeof to.sun_path - 2);
	return connects(AF_UNIX, &to, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(getenv("SOCKET")));
}
static int named_socket(const char *path)
{
	struct sockaddr_un to = { AF_UNIX, "" };
	strncpy(to.sun_path, path, sizeof to.sun_path - 1);
	return connects(AF_UNIX, &to, sizeof to);
}
/* struct sockaddr_vm of linux/vm_sockets.h: it knows no network namespaces. */
static int vsock(const char *cid)
{
	uint32_t to[4] = { 40, 1, (uint32_t)atoi(cid), 0 };
	return connects(40, to, sizeof to);
}
static int interfaces(const char *unused)
{
	DIR *dir = opendir("/sys/class/net");
	struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "lo"))
			return OPEN;
	return SHUT;
}

/* The caller's terminal, where one is among the descriptors. */
static int type_in(const char *unused)
{
	for (int fd = 0; fd < 3; fd++)
		if (isatty(fd) && !ioctl(fd, TIOCSTI, "\n"))
			return OPEN;
	return SHUT;
}
static int steal_terminal(const char *unused)
{
	if (!isatty(0))
		return NONE;
	setsid();
	return of(ioctl(0, TIOCSCTTY, 1));
}
static int console_paste(const char *unused)
{
	char paste = 3;
	return of(ioctl(0, TIOCLINUX, &paste));
}

/* What becomes of files. */
static int attribute(const char *name)
{
	mkdir("/root/probe-dir", 0755);
	mkdir("/tmp/probe-dir", 0755);
	return setxattr("/root/probe-dir", name, "y", 1, 0) && setxattr("/tmp/probe-dir", name, "y", 1, 0) ? SHUT : OPEN;
}
static int immutable(const char *unused)
{
	int fd = open("/tmp/probe-file", O_CREAT | O_RDWR, 0600), flags = 0x10;
	return of(ioctl(fd, _IOW('f', 2, long), &flags));
}
static int whiteout(const char *unused)
{
	/* On the overlay: elsewhere it is a node that opens nothing, and anybody may make it. */
	const char *path = "/usr/probe-white";
	struct stat st;
	unlink(path);
	if (mknod(path, S_IFCHR, 0))
		return SHUT;
	/* What installs packages gets a file in the place of a device. */
	return !lstat(path, &st) && S_ISREG(st.st_mode) ? SHUT : OPEN;
}

/* Keys of the caller's. The keyrings that the kernel gives to everybody are none. */
static int keys(const char *unused)
{
	char line[1024];
	FILE *list = fopen("/proc/keys", "r");
	while (list && fgets(line, sizeof line, list))
		if (!strstr(line, " keyring "))
			return OPEN;
	return SHUT;
}

/* A user namespace of one's own is allowed; nothing outside of it is to be had with it. */
static int in_user_namespace(int (*work)(const char *), const char *with)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return SHUT;
	return work(with);
}
static int u_node(const char *a) { return in_user_namespace(node, a); }
static int u_mount(const char *a) { return in_user_namespace(m, a); }
static int u_bpf(const char *a) { return in_user_namespace(bpf_load, a); }
static int u_key(const char *a) { return in_user_namespace(key_session, a); }
static int u_write(const char *a) { return in_user_namespace(w, a); }
static int u_read(const char *a) { return in_user_namespace(r, a); }
static int u_take_off(const char *a) { return in_user_namespace(take_off, a); }
static int u_sys(const char *a) { return in_user_namespace(sys_rw, a); }
static int u_trace(const char *a) { return in_user_namespace(trace_init, a); }
static int rw_root(const char *unused)
{
	if (remount("/") == SHUT)
		return SHUT;
	return of(open("/usr/probe", O_CREAT | O_WRONLY, 0600));
}
static int u_root(const char *a) { return in_user_namespace(rw_root, a); }

static const struct row {
	const char *name;
	int (*probe)(const char *);
	const char *with;
	/* Only for the build user: container root may. */
	int user;
} rows[] = {
	/* devices that are made */
	{ "node-sda", node, "b 8 0" }, { "node-vda", node, "b 254 0" }, { "node-dm", node, "b 253 0" },
	{ "node-nvme", node, "b 259 0" }, { "node-loop", node, "b 7 0" }, { "node-mem", node, "c 1 1" },
	{ "node-port", node, "c 1 4" }, { "node-kmsg", node, "c 1 11" }, { "node-tty0", node, "c 4 0" },
	{ "node-console", node, "c 5 1" }, { "node-input", node, "c 13 64" }, { "node-sg", node, "c 21 0" },
	{ "node-loop-control", node, "c 10 237" }, { "node-mapper", node, "c 10 236" }, { "node-tun", node, "c 10 200" },
	{ "node-kvm", node, "c 10 232" }, { "node-nvram", node, "c 10 144" }, { "node-whiteout", whiteout },
	/* devices that are there */
	{ "dev-mem", r, "/dev/mem" }, { "dev-kmsg", r, "/dev/kmsg" }, { "dev-vda", r, "/dev/vda" }, { "dev-sda", r, "/dev/sda" },
	{ "dev-loop0", r, "/dev/loop0" }, { "dev-loop-control", w, "/dev/loop-control" }, { "dev-kvm", w, "/dev/kvm" },
	{ "dev-tun", w, "/dev/net/tun" }, { "dev-mapper", w, "/dev/mapper/control" }, { "dev-input", r, "/dev/input/event0" },
	{ "dev-rtc", r, "/dev/rtc0" }, { "dev-tty0", w, "/dev/tty0" }, { "dev-console", w, "/dev/console" },
	{ "dev-uinput", w, "/dev/uinput" }, { "dev-vsock", r, "/dev/vsock" }, { "dev-vhost", w, "/dev/vhost-vsock" },
	/* settings of the kernel */
	{ "set-core-pattern", w, "/proc/sys/kernel/core_pattern" }, { "set-modprobe", w, "/proc/sys/kernel/modprobe" },
	{ "set-sysrq", w, "/proc/sys/kernel/sysrq" }, { "set-sysrq-trigger", w, "/proc/sysrq-trigger" },
	{ "set-panic", w, "/proc/sys/kernel/panic" }, { "set-suid-dumpable", w, "/proc/sys/fs/suid_dumpable" },
	{ "set-drop-caches", w, "/proc/sys/vm/drop_caches" }, { "set-overcommit", w, "/proc/sys/vm/overcommit_memory" },
	{ "set-kptr", w, "/proc/sys/kernel/kptr_restrict" }, { "set-file-max", w, "/proc/sys/fs/file-max" },
	{ "set-protected-links", w, "/proc/sys/fs/protected_symlinks" }, { "set-randomize", w, "/proc/sys/kernel/randomize_va_space" },
	{ "set-binfmt", w, "/proc/sys/fs/binfmt_misc/register" }, { "set-irq", w, "/proc/irq/default_smp_affinity" },
	{ "set-uevent", w, "/sys/kernel/uevent_helper" }, { "set-power", w, "/sys/power/state" },
	{ "set-profiling", w, "/sys/kernel/profiling" }, { "set-pci", w, "/sys/bus/pci/rescan" },
	{ "set-scheduler", w, "/sys/block/vda/queue/scheduler" }, { "set-module", w, "/sys/module/loop/parameters/max_loop" },
	{ "set-hugepages", w, "/sys/kernel/mm/transparent_hugepage/enabled" }, { "set-cgroup", w, "/sys/fs/cgroup/cgroup.procs" },
	{ "set-release-agent", w, "/sys/fs/cgroup/memory/release_agent" }, { "set-cgroup-v2", w, "/sys/fs/cgroup/unified/cgroup.procs" },
	{ "set-init-oom", w, "/proc/1/oom_score_adj" }, { "set-init-map", w, "/proc/1/uid_map" },
	/* what the kernel knows */
	{ "see-kcore", r, "/proc/kcore" }, { "see-kmsg", r, "/proc/kmsg" }, { "see-pages", r, "/proc/kpageflags" },
	{ "see-vmalloc", r, "/proc/vmallocinfo" }, { "see-timers", r, "/proc/timer_list" }, { "see-slabs", r, "/proc/slabinfo" },
	{ "see-keys", keys }, { "see-dmi", r, "/sys/firmware/dmi/tables/DMI" }, { "see-debugfs", d, "/sys/kernel/debug" },
	{ "see-tracefs", d, "/sys/kernel/tracing" }, { "see-pstore", d, "/sys/fs/pstore" }, { "see-bpffs", d, "/sys/fs/bpf" },
	/* pid 1 and others */
	{ "init-mem", r, "/proc/1/mem" }, { "init-environ", r, "/proc/1/environ" }, { "init-maps", r, "/proc/1/maps" },
	{ "init-exe", r, "/proc/1/exe" }, { "init-fds", d, "/proc/1/fd" }, { "init-fd-3", r, "/proc/1/fd/3" }, { "init-stack", r, "/proc/1/stack" },
	{ "init-write", w, "/proc/1/mem" }, { "init-root", init_root }, { "init-trace", trace_init }, { "init-seize", seize_init },
	{ "init-vm", read_init }, { "init-getfd-0", fd_of_init, "0" }, { "init-getfd-3", fd_of_init, "3" }, { "init-kcmp", compare_init },
	{ "init-pages", pages_of_init }, { "init-kill", kill_init }, { "init-mnt-ns", namespace_of_init, "/proc/1/ns/mnt" },
	{ "init-user-ns", namespace_of_init, "/proc/1/ns/user" }, { "host-process", host_process },
	{ "host-name", host_name, "rpmkit-probe" }, { "hidden-processes", kill_all },
	/* system calls */
	{ "bpf-map", bpf_map }, { "bpf-load", bpf_load }, { "perf", perf }, { "perf-all", perf_all }, { "key-session", key_session },
	{ "key-user", key_user }, { "key-search", key_search }, { "key-add", key_add }, { "key-request", key_request },
	{ "handle-tmp", by_handle, "/tmp" }, { "handle-home", by_handle, "/builddir" }, { "handle-root", by_handle, "/" },
	{ "userfaultfd", userfault }, { "kexec", kexec }, { "kexec-file", kexec_file }, { "module-init", module_init },
	{ "module-file", module_file }, { "module-delete", module_delete }, { "clock-set", clock_set }, { "time-of-day", time_of_day },
	{ "time-zone", time_zone }, { "clock-tick", clock_tick }, { "swap-on", swap_on }, { "swap-off", swap_off },
	{ "accounting", accounting }, { "kernel-log", kernel_log }, { "kernel-level", kernel_level }, { "ctrl-alt-del", cad },
	{ "io-level", io_level }, { "io-ports", io_ports }, { "quota", quota }, { "realtime", fifo }, { "nice", nicer }, { "io-class", io_first },
	{ "fanotify", watch_all }, { "vhangup", hang_up }, { "dcookie", cookie }, { "more-files", more_files },
	{ "setuid", become_root, NULL, 1 }, { "setgid", become_group, NULL, 1 }, { "setgroups", join_groups, NULL, 1 },
	{ "ambient-caps", keep_caps, NULL, 1 },
	/* mounts */
	{ "mount-cgroup", m, "cgroup" }, { "mount-cgroup2", cgroup2 }, { "mount-debugfs", m, "debugfs" }, { "mount-tracefs", m, "tracefs" },
	{ "mount-securityfs", m, "securityfs" }, { "mount-devtmpfs", m, "devtmpfs" }, { "mount-pstore", m, "pstore" },
	{ "mount-configfs", m, "configfs" }, { "mount-efivarfs", m, "efivarfs" }, { "mount-nfsd", m, "nfsd" },
	{ "mount-hugetlbfs", m, "hugetlbfs" }, { "mount-ext4", fs_context }, { "mount-fs-cgroup", fs_cgroup },
	{ "remount-sys", sys_rw }, { "remount-proc-sys", remount, "/proc/sys", 1 }, { "uncover-proc-sys", take_off, "/proc/sys" },
	{ "uncover-sysrq", take_off, "/proc/sysrq-trigger" },
	/* files of the host */
	{ "secret-path", secret_at, "" }, { "secret-init-root", secret_at, "/proc/1/root" }, { "secret-self-root", secret_at, "/proc/self/root" },
	{ "secret-cwd", secret_at, "/proc/self/cwd/../../../../../.." }, { "secret-fds", secret_by_fd }, { "more-fds", extra_fds },
	{ "double-chroot", double_chroot }, { "parent-root", parent_root }, { "hard-link", hard_link },
	/* network off means off */
	{ "tcp-loopback", tcp, "127.0.0.1" }, { "tcp-outside", tcp, "192.0.2.1" }, { "udp-outside", udp, "192.0.2.1" },
	{ "abstract-socket", abstract }, { "dbus", named_socket, "/run/dbus/system_bus_socket" }, { "docker", named_socket, "/var/run/docker.sock" },
	{ "journal", named_socket, "/run/systemd/journal/stdout" }, { "vsock-host", vsock, "2" }, { "vsock-self", vsock, "1" },
	{ "interfaces", interfaces },
	/* the caller's terminal */
	{ "type-in", type_in }, { "steal-terminal", steal_terminal }, { "console-paste", console_paste },
	/* what is kept */
	{ "overlay-opaque", attribute, "trusted.overlay.opaque" }, { "overlay-redirect", attribute, "trusted.overlay.redirect" },
	{ "trusted-attribute", attribute, "trusted.probe" }, { "security-attribute", attribute, "security.probe" }, { "immutable", immutable },
	/* with a user namespace of one's own */
	{ "userns-node", u_node, "b 254 0" }, { "userns-cgroup", u_mount, "cgroup" }, { "userns-debugfs", u_mount, "debugfs" },
	{ "userns-bpf", u_bpf }, { "userns-key", u_key }, { "userns-core-pattern", u_write, "/proc/sys/kernel/core_pattern" },
	{ "userns-init-mem", u_read, "/proc/1/mem" }, { "userns-trace", u_trace }, { "userns-uncover", u_take_off, "/proc/sys" },
	{ "userns-sys", u_sys }, { "userns-root", u_root, NULL, 1 },
	/* the chroot's own files */
	{ "own-passwd", w, "/etc/passwd", 1 }, { "own-shadow", r, "/etc/shadow", 1 }, { "own-rpmdb", w, "/var/lib/rpm/rpmdb.sqlite", 1 },
	{ "own-shell", w, "/bin/sh", 1 },
};

int main(int argc, char **argv)
{
	int user = argc > 1 && !strcmp(argv[1], "user");
	setvbuf(stdout, NULL, _IONBF, 0);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		int status;
		if (rows[i].user && !user)
			continue;
		pid_t child = fork();
		if (!child) {
			alarm(10);
			_exit(rows[i].probe(rows[i].with));
		}
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		printf("%s %s\n", rows[i].name, WIFEXITED(status) && WEXITSTATUS(status) < 3 ? words[WEXITSTATUS(status)] : "died");
	}
	return 0;
}
