/* A helper program shuts itself in with this sandbox: limits, no new rights, and a filter of
 * system calls. The filter is written out because it is thirty lines, of numbers that the
 * kernel's own headers name. */
#include "helper/inside.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1 /* which maps terabytes of addresses */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ARGUMENT(n)                                                                                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (n))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define END BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define ALLOW_CALL(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), ALLOW

static emr_status enter_filter(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		END,
		NUMBER,
		ALLOW_CALL(pread64),
		ALLOW_CALL(pwrite64),
		ALLOW_CALL(recvmsg),
		ALLOW_CALL(write),
		ALLOW_CALL(close),
		ALLOW_CALL(munmap),
		ALLOW_CALL(mremap),
		ALLOW_CALL(brk),
		ALLOW_CALL(madvise),
		ALLOW_CALL(getrandom),
		ALLOW_CALL(rt_sigreturn),
		ALLOW_CALL(exit_group),
#if HAS_SANITIZER
		ALLOW_CALL(sigaltstack), /* AddressSanitizer asks for it when C++ throws */
#endif
		/* waking who waits, who is nobody: libraries do it when they have begun */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_futex, 0, 4),
		ARGUMENT(1),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAKE_PRIVATE, 0, 1),
		ALLOW,
		END,
		/* memory of its own, and none that runs */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mmap, 0, 4),
		ARGUMENT(2),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 2, 0),
		ARGUMENT(3),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 1, 0),
		END,
		ALLOW,
	};
	const struct sock_fprog filter = {.len = sizeof steps / sizeof *steps, .filter = steps};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0)
		return errno == EINVAL ? EMR_UNSUPPORTED : EMR_DENIED;
	return EMR_OK;
}

static emr_status enter_limits(uint64_t memory_bytes, unsigned processor_s)
{
	const struct rlimit none = {0, 0}, processor = {processor_s, processor_s},
			    memory = {memory_bytes, memory_bytes}, files = {16, 16};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || setrlimit(RLIMIT_CPU, &processor) != 0 ||
		setrlimit(RLIMIT_NOFILE, &files) != 0 ||
		(!HAS_SANITIZER && setrlimit(RLIMIT_AS, &memory) != 0))
		return EMR_DENIED;
	return EMR_OK;
}

emr_status emr_sandbox_enter(uint64_t memory_bytes, unsigned processor_s)
{
	emr_status status = ARCHITECTURE == 0 ? EMR_UNSUPPORTED : EMR_OK;
	uint8_t byte;

	/* The first random byte of a thread makes glibc 2.41 (Debian 13) ask for signals,
	 * processors and memory, which the filter refuses. */
	if (getrandom(&byte, sizeof byte, 0) != sizeof byte)
		return EMR_IO;

	if (status == EMR_OK && (close_range(EMR_INSIDE_FD + 1, ~0u, 0) != 0 ||
					prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
					prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0))
		status = EMR_DENIED;
	if (status == EMR_OK)
		status = enter_limits(memory_bytes, processor_s);
	return status == EMR_OK ? enter_filter() : status;
}
