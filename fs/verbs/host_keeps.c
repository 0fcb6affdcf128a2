/* This file keeps what a host has of its own: its secret and its key of TLS, by which members know
 * it, and names of its stores. Each file ends with a sum of what stands before it. One that members
 * know it by is made only for a ledger that no host has served yet: where it is damaged or missing
 * later, it is named, and nothing is made in its place. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "kit/language.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "ledger/restart.h"
#include "served/server.h"
#include "session/network_dir.h"
#include "session/shared_blocks.h"
#include "verbs_private.h"

#define FILE_KEY "key.pem"
#define FILE_CERTIFICATE "certificate.pem"
#define FILE_SECRET "secret"
/* Beside the ledger, once a host has served it: the SHA-256 of its descriptor. */
#define FILE_HOSTED "hosted"
#define SUM_BYTES 8
#define SUM_LINE 21 /* "sum ", the bytes in hex, a line feed */
#define FILE_MAX ((size_t)64 << 10)

static void sum_line(emr_bytes bytes, char out[SUM_LINE + 1])
{
	const emr_id32 hash = emr_sha256_of(&bytes, 1);

	memcpy(out, "sum ", 4);
	emr_hex(hash.b, SUM_BYTES, out + 4);
	memcpy(out + SUM_LINE - 1, "\n", 2);
}

emr_status host_keeps_read(int dirfd, const char *name, emr_buf *out)
{
	char line[SUM_LINE + 1];
	bool fits;

	emr_buf_clear(out);
	EMR_TRY(emr_file_read_private(dirfd, name, FILE_MAX, out));
	if (out->len < SUM_LINE)
		return EMR_DAMAGED;
	out->len -= SUM_LINE;
	sum_line(emr_buf_view(out), line);
	fits = memcmp(line, out->data + out->len, SUM_LINE) == 0;
	out->data[out->len] = '\0';
	return fits ? EMR_OK : EMR_DAMAGED;
}

emr_status host_keeps_write(int dirfd, const char *name, emr_bytes bytes)
{
	char line[SUM_LINE + 1];
	emr_buf text = {0};
	emr_status status = emr_buf_append(&text, bytes.data, bytes.len);

	sum_line(bytes, line);
	if (status == EMR_OK)
		status = emr_buf_append(&text, line, SUM_LINE);
	if (status == EMR_OK)
		status = emr_file_replace(dirfd, name, emr_buf_view(&text), 0600);
	if (text.len > 0)
		emr_wipe(text.data, text.len);
	emr_buf_free(&text);
	return status;
}

typedef struct keeping {
	const char *dir;
	int own_fd, ledger_fd;
	bool may_make; /* no host has served the ledger yet */
	bool is_lost;  /* there is none, or not all of it: it comes from members */
	bool is_copy;  /* nothing is made */
	emr_problem *problem;
} keeping;

/* How it went with the file NAME, which is named where it is not well. */
static emr_status named(const keeping *k, const char *name, emr_status status)
{
	char path[PATH_MAX];

	if (status == EMR_OK)
		return EMR_OK;
	(void)snprintf(path, sizeof path, "%s/%s", k->dir, name);
	return EMR_PROBLEM(status, k->problem, EMR_SAY_HOST_FILE, "file", path, "cause",
		emr_text(emr_status_text(status)), "dir", k->dir, NULL);
}

/* It is lost, and is made again: the log says so where there was one. */
static bool is_made(const keeping *k, const char *name, emr_status status)
{
	const bool is = !k->is_copy &&
			(status == EMR_NOT_FOUND || status == EMR_DAMAGED || status == EMR_LIMIT);

	if (is && !k->may_make)
		emr_log(EMR_LOG_WARN, "host: %s: again: %s", name, emr_status_text(status));
	return is;
}

static emr_status own_random(
	const keeping *k, const char *name, bool may_make, uint8_t *out, size_t len)
{
	emr_buf bytes = {0};
	emr_status status = host_keeps_read(k->own_fd, name, &bytes);

	if (status == EMR_OK && bytes.len != len)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		memcpy(out, bytes.data, len);
	if (bytes.len > 0)
		emr_wipe(bytes.data, bytes.len);
	emr_buf_free(&bytes);
	if (!may_make || !is_made(k, name, status))
		return status;
	randombytes_buf(out, len);
	return host_keeps_write(k->own_fd, name, emr_bytes_of(out, len));
}

static emr_status own_key(const keeping *k, emr_buf *out)
{
	emr_status status = host_keeps_read(k->own_fd, FILE_KEY, out);

	if (!k->may_make || !is_made(k, FILE_KEY, status))
		return status;
	emr_buf_clear(out);
	EMR_TRY(emr_served_make_key(out));
	out->len--;
	return host_keeps_write(k->own_fd, FILE_KEY, emr_buf_view(out));
}

/* Members look at the key alone, so another certificate of it is as good. */
static emr_status own_certificate(const keeping *k, host_keeps *keeps)
{
	emr_buf *out = &keeps->certificate;
	emr_status status = host_keeps_read(k->own_fd, FILE_CERTIFICATE, out);

	if (is_made(k, FILE_CERTIFICATE, status)) {
		emr_buf_clear(out);
		EMR_TRY(emr_served_make_certificate((const char *)keeps->key.data, out));
		out->len--;
		status = host_keeps_write(k->own_fd, FILE_CERTIFICATE, emr_buf_view(out));
	}
	return status == EMR_OK ? emr_served_pin((const char *)out->data, &keeps->pin) : status;
}

static emr_status check_descriptor(const keeping *k)
{
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF kept = {0};
	emr_bytes bytes;
	emr_id32 hash;
	emr_status status;

	status = emr_file_read(k->ledger_fd, EMR_NETWORK_DESCRIPTOR, FILE_MAX, &file);
	if (status == EMR_NOT_FOUND && k->is_lost)
		return EMR_OK;
	EMR_TRY(status);
	bytes = emr_buf_view(&file);
	hash = emr_sha256_of(&bytes, 1);
	status = host_keeps_read(k->ledger_fd, FILE_HOSTED, &kept);
	if (is_made(k, FILE_HOSTED, status))
		return host_keeps_write(
			k->ledger_fd, FILE_HOSTED, emr_bytes_of(hash.b, sizeof hash.b));
	if (k->is_copy && status == EMR_NOT_FOUND)
		return EMR_OK;
	EMR_TRY(status);
	return emr_bytes_equal(emr_buf_view(&kept), emr_bytes_of(hash.b, sizeof hash.b))
		       ? EMR_OK
		       : EMR_DAMAGED;
}

static bool has(int dirfd, const char *name)
{
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

emr_status host_keeps_open(
	const char *dir, int own_fd, bool is_copy, host_keeps *out, emr_problem *out_problem)
{
	EMR_AUTO_FD ledger_fd = -1;
	char path[PATH_MAX];
	keeping k = {.dir = dir, .own_fd = own_fd, .is_copy = is_copy, .problem = out_problem};

	(void)snprintf(path, sizeof path, "%s/" EMR_NETWORK_DIR_LEDGER, dir);
	(void)!emr_dir_make(AT_FDCWD, path); /* it may be lost */
	ledger_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ledger_fd < 0)
		return named(&k, EMR_NETWORK_DIR_LEDGER, emr_status_from_errno(errno));
	k.ledger_fd = ledger_fd;
	/* On a channel it is read from there. */
	k.is_lost = (!has(ledger_fd, EMR_NETWORK_LEDGER) && !has(ledger_fd, EMR_NETWORK_CHANNEL)) ||
		    has(own_fd, EMR_RECOVERY);
	/* A ledger that members brought has no mark yet, but its place was noted. */
	k.may_make = !k.is_lost && !has(ledger_fd, FILE_HOSTED) && !has(own_fd, EMR_RESTART_PLACE);
	EMR_TRY(named(&k, EMR_NETWORK_DIR_HOST "/" FILE_SECRET,
		own_random(&k, FILE_SECRET, k.may_make, out->secret, sizeof out->secret)));
	EMR_TRY(named(&k, EMR_NETWORK_DIR_HOST "/" FILE_KEY, own_key(&k, &out->key)));
	EMR_TRY(named(&k, EMR_NETWORK_DIR_HOST "/" FILE_CERTIFICATE, own_certificate(&k, out)));
	EMR_TRY(named(&k, EMR_NETWORK_DIR_HOST "/" HOST_WRITER,
		own_random(&k, HOST_WRITER, true, out->writer.b, sizeof out->writer.b)));
	return named(&k, EMR_NETWORK_DIR_LEDGER "/" EMR_NETWORK_DESCRIPTOR, check_descriptor(&k));
}

#define NEXT_FILES 3
static const char *const next_files[NEXT_FILES] = {FILE_CERTIFICATE, FILE_KEY, FILE_SECRET};

static emr_status drop_next(int next_fd)
{
	for (size_t i = 0; i < NEXT_FILES; i++)
		if (unlinkat(next_fd, next_files[i], 0) != 0 && errno != ENOENT)
			return emr_status_from_errno(errno);
	return fsync(next_fd) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

emr_status host_keeps_next(
	const char *dir, int next_fd, bool is_new, host_keeps *out, emr_problem *out_problem)
{
	const keeping k = {
		.dir = dir, .own_fd = next_fd, .may_make = is_new, .problem = out_problem};

	/* One that lay there may have been stolen with the host's own. */
	if (is_new)
		EMR_TRY(named(&k, EMR_NETWORK_DIR_HOST "/next", drop_next(next_fd)));
	EMR_TRY(named(&k, EMR_NETWORK_DIR_HOST "/next/" FILE_SECRET,
		own_random(&k, FILE_SECRET, is_new, out->secret, sizeof out->secret)));
	EMR_TRY(named(&k, EMR_NETWORK_DIR_HOST "/next/" FILE_KEY, own_key(&k, &out->key)));
	return named(&k, EMR_NETWORK_DIR_HOST "/next/" FILE_CERTIFICATE, own_certificate(&k, out));
}

emr_status host_keeps_replace(int own_fd, int next_fd, const host_keeps *next)
{
	const emr_bytes bytes[NEXT_FILES] = {emr_buf_view(&next->certificate),
		emr_buf_view(&next->key), emr_bytes_of(next->secret, sizeof next->secret)};

	static const char *const past[] = {
		EMR_RECOVERY_HEAD, EMR_RECOVERY_SECOND, EMR_RECOVERY_OTHER, EMR_RECOVERY};
	char aside[64];

	/* Heads of the former key say nothing of this one's ledger. */
	for (size_t i = 0; i < sizeof past / sizeof *past; i++) {
		(void)snprintf(aside, sizeof aside, "before-%s", past[i]);
		if (renameat(own_fd, past[i], own_fd, aside) != 0 && errno != ENOENT)
			return emr_status_from_errno(errno);
	}
	for (size_t i = 0; i < NEXT_FILES; i++)
		EMR_TRY(host_keeps_write(own_fd, next_files[i], bytes[i]));
	return drop_next(next_fd);
}

void host_keeps_close(host_keeps *keeps)
{
	if (keeps->key.len > 0)
		emr_wipe(keeps->key.data, keeps->key.len);
	emr_wipe(keeps->secret, sizeof keeps->secret);
	emr_buf_free(&keeps->key);
	emr_buf_free(&keeps->certificate);
}

/* A directory that was put in the place of another was made at another moment. */
emr_status host_keeps_store(const char *dir, emr_id16 writer, emr_id16 *out_id)
{
	struct statx st;
	char path[PATH_MAX];
	emr_bytes parts[3] = {emr_bytes_of(writer.b, sizeof writer.b),
		emr_bytes_of(&st.stx_ino, sizeof st.stx_ino),
		emr_bytes_of(&st.stx_btime, sizeof st.stx_btime)};
	emr_id32 hash;

	(void)snprintf(path, sizeof path, "%s/" EMR_NETWORK_DIR_BLOCKS, dir);
	memset(&st, 0, sizeof st);
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &st) != 0)
		return emr_status_from_errno(errno);
	hash = emr_sha256_of(parts, 3);
	memcpy(out_id->b, hash.b, sizeof out_id->b);
	return EMR_OK;
}
