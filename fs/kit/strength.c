/* This file estimates the strength of a new passphrase, in a child process whose memory ends
 * with it, so that nothing of the passphrase stays behind in this one.  The library that does it is
 * loaded here, when it is needed: the loader reads all of its dictionary of 1.4 MB from a cold
 * disk, and opening a folder would wait for that. */
#include "kit_private.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zxcvbn.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"

/* Later bytes only add strength; the library's work grows with the square. */
#define JUDGED_BYTES 128

/* Words that an attacker tries first here. */
static const char *const own_words[] = {"emrfs", NULL};

typedef __typeof__(ZxcvbnMatch) match_function;

/* NULL: it cannot be loaded.  It stays. */
static match_function *load_match(void)
{
	void *library = dlopen("libzxcvbn.so.0", RTLD_NOW | RTLD_LOCAL);
	match_function *match =
		library != NULL ? (match_function *)dlsym(library, "ZxcvbnMatch") : NULL;

	if (match == NULL)
		emr_log(EMR_LOG_ERROR, "no passphrase can be judged: %s", dlerror());
	return match;
}

/* In the child: memory goes back to the kernel with the process. */
static _Noreturn void judge_in_child(match_function *match, const char *text, int out_fd)
{
	const char *words[sizeof own_words / sizeof *own_words];
	double bits;
	ZxcMatch_t *matches = NULL;

	(void)mlockall(
		MCL_CURRENT | MCL_FUTURE); /* refused where the limit is low: a moment only */
	memcpy(words, own_words, sizeof words);
	bits = match(text, words, &matches);
	_exit(write(out_fd, &bits, sizeof bits) == (ssize_t)sizeof bits ? 0 : 1);
}

static emr_status ask_child(match_function *match, const char *text, double *out_bits)
{
	int ends[2], exit_status = 0;
	ssize_t n;
	double bits = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return emr_status_from_errno(errno);
	pid = fork();
	if (pid == 0)
		judge_in_child(match, text, ends[1]);
	close(ends[1]);
	do
		n = pid > 0 ? read(ends[0], &bits, sizeof bits) : -1;
	while (n < 0 && pid > 0 && errno == EINTR);
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &exit_status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		return EMR_NO_MEMORY;
	if (n != (ssize_t)sizeof bits || exit_status != 0)
		return EMR_IO;
	*out_bits = bits;
	return EMR_OK;
}

emr_status emr_passphrase_bits(emr_bytes passphrase, double *out_bits)
{
	char text[JUDGED_BYTES + 1] = "";
	size_t len = passphrase.len < JUDGED_BYTES ? passphrase.len : JUDGED_BYTES;
	match_function *match = load_match();
	emr_status status;

	if (match == NULL)
		return EMR_UNSUPPORTED;
	memcpy(text, passphrase.data, len); /* a zero byte ends it: judged shorter than it is */
	status = ask_child(match, text, out_bits);
	emr_wipe(text, sizeof text);
	return status;
}
