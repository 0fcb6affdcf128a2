/* This file keeps what an agent must not lose between two starts: its fragments and its
 * receiving keys, each sealed in a file of its own. A new receiving key is on the disk before
 * the ledger names it, so a crash never leaves a key that nobody can use. */
#include "agency.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static const char *const box_names[3] = {"box-next", AGENCY_BOX_PRESENT, "box-before"};

static emr_bytes row_of(const char *name)
{
	return emr_bytes_of(name, strlen(name));
}

/* ---- fragments ---- */

void agency_fragment_name(
	emr_id16 domain, emr_id16 grant, uint32_t epoch, char out[FRAGMENT_NAME_BYTES])
{
	char d[33], g[33];

	emr_hex(domain.b, sizeof domain.b, d);
	emr_hex(grant.b, sizeof grant.b, g);
	(void)snprintf(out, FRAGMENT_NAME_BYTES, "f-%s-%s-%08x", d, g, epoch);
}

bool agency_has(const emr_agency *agency, const char *name)
{
	return faccessat(agency->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

emr_status agency_keep(emr_agency *agency, const char *name, const emr_fragment *fragment)
{
	uint8_t sealed[EMR_FRAGMENT_SEALED_BYTES];

	EMR_TRY(emr_fragment_seal_local(
		agency->desk.share->o.keyring, fragment, row_of(name), sealed));
	return emr_file_replace(
		agency->dirfd, name, emr_bytes_of(sealed, sizeof sealed), S_IRUSR | S_IWUSR);
}

emr_status agency_fetch(emr_agency *agency, const char *name, const uint8_t owner_pk[32],
	const emr_grant_terms *terms, const uint8_t A[32], const uint8_t B[32], emr_fragment **out)
{
	emr_share *share = agency->desk.share;
	EMR_AUTO_BUF sealed = {0};

	EMR_TRY(emr_file_read(agency->dirfd, name, EMR_FRAGMENT_SEALED_BYTES, &sealed));
	if (sealed.len != EMR_FRAGMENT_SEALED_BYTES)
		return EMR_DAMAGED;
	return emr_fragment_open_local(share->o.keyring, sealed.data, row_of(name),
		share->me.signer_id, owner_pk, terms, A, B, out);
}

emr_status agency_shred(emr_agency *agency, const char *name)
{
	static const uint8_t zeros[EMR_FRAGMENT_SEALED_BYTES];
	EMR_AUTO_FD fd = openat(agency->dirfd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	if (fstat(fd, &st) != 0)
		return emr_status_from_errno(errno);
	EMR_TRY(emr_pwrite_all(fd, zeros,
		st.st_size < (off_t)sizeof zeros ? (size_t)st.st_size : sizeof zeros, 0));
	if (fdatasync(fd) != 0)
		return emr_status_from_errno(errno);
	if (unlinkat(agency->dirfd, name, 0) != 0 || fsync(agency->dirfd) != 0)
		return emr_status_from_errno(errno);
	return EMR_OK;
}

static bool read_name(const char *name, agency_file *out)
{
	char hex[33] = {0};
	uint8_t epoch[4];

	if (strlen(name) != FRAGMENT_NAME_BYTES - 1 || memcmp(name, "f-", 2) != 0)
		return false;
	memcpy(out->name, name, FRAGMENT_NAME_BYTES);
	memcpy(hex, name + 2, 32);
	if (emr_unhex(hex, out->domain.b, 16) != EMR_OK)
		return false;
	memcpy(hex, name + 35, 32);
	if (emr_unhex(hex, out->grant.b, 16) != EMR_OK || emr_unhex(name + 68, epoch, 4) != EMR_OK)
		return false;
	out->epoch = (uint32_t)epoch[0] << 24 | (uint32_t)epoch[1] << 16 | (uint32_t)epoch[2] << 8 |
		     epoch[3];
	return true;
}

emr_status agency_list(const emr_agency *agency, emr_buf *out)
{
	int fd = openat(agency->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;
	agency_file file;

	if (dir == NULL) {
		status = emr_status_from_errno(errno);
		if (fd >= 0)
			(void)close(fd);
		return status;
	}
	while (status == EMR_OK && (entry = readdir(dir)) != NULL)
		if (read_name(entry->d_name, &file))
			status = emr_buf_append(out, &file, sizeof file);
	(void)closedir(dir);
	return status;
}

/* ---- receiving keys ---- */

static emr_status load_box(emr_agency *agency, const char *name, emr_box_key **out)
{
	EMR_AUTO_BUF sealed = {0};
	emr_status status = emr_file_read(agency->dirfd, name, EMR_HELD_SEALED_BYTES, &sealed);

	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	if (status != EMR_OK)
		return status;
	if (sealed.len != EMR_HELD_SEALED_BYTES)
		return EMR_DAMAGED;
	/* The row is one for all three: a key moves from name to name. */
	return emr_box_key_open_local(
		agency->desk.share->o.keyring, sealed.data, row_of("box"), out);
}

emr_status agency_load_boxes(emr_agency *agency)
{
	emr_status status = EMR_OK;

	agency_free_boxes(agency);
	for (int i = 0; i < 3 && status == EMR_OK; i++)
		status = load_box(agency, box_names[i], &agency->boxes[i]);
	if (status == EMR_OK)
		status = emr_box_key_identity(
			agency->desk.share->o.keyring, &agency->boxes[AGENCY_BOXES - 1]);
	agency->has_own_box = agency->boxes[1] != NULL;
	return status;
}

void agency_free_boxes(emr_agency *agency)
{
	for (int i = 0; i < AGENCY_BOXES; i++) {
		emr_box_key_free(agency->boxes[i]);
		agency->boxes[i] = NULL;
	}
}

/* The next key is on the disk before the ledger names it, and whoever used the one before still
 * can. */
static emr_status make_next(emr_agency *agency, uint8_t out_pk[32])
{
	uint8_t sealed[EMR_HELD_SEALED_BYTES];
	AUTO_BOX_KEY key = NULL;

	EMR_TRY(emr_box_key_new(&key));
	EMR_TRY(emr_box_key_seal_local(agency->desk.share->o.keyring, key, row_of("box"), sealed));
	EMR_TRY(emr_file_replace(agency->dirfd, box_names[0], emr_bytes_of(sealed, sizeof sealed),
		S_IRUSR | S_IWUSR));
	emr_box_key_public(key, out_pk);
	return EMR_OK;
}

static emr_status move_on(emr_agency *agency)
{
	EMR_TRY(agency_shred(agency, box_names[2]));
	if (renameat(agency->dirfd, box_names[1], agency->dirfd, box_names[2]) != 0 &&
		errno != ENOENT)
		return emr_status_from_errno(errno);
	if (renameat(agency->dirfd, box_names[0], agency->dirfd, box_names[1]) != 0 ||
		fsync(agency->dirfd) != 0)
		return emr_status_from_errno(errno);
	return agency_load_boxes(agency);
}

/* A next key that is there already was interrupted on its way: it is what the ledger has by now, or
 * what is registered now; nothing that may be in use is thrown away. */
static emr_status resume_next(emr_agency *agency, uint8_t out_pk[32], bool *out_is_registered)
{
	emr_share *share = agency->desk.share;
	emr_known_person me;

	EMR_TRY(emr_replica_person(share->o.replica, share->me.signer_id, &me));
	if (agency->boxes[0] == NULL)
		return make_next(agency, out_pk);
	emr_box_key_public(agency->boxes[0], out_pk);
	*out_is_registered = memcmp(me.row.x25519, out_pk, 32) == 0;
	return EMR_OK;
}

emr_status emr_agency_renew_key(emr_agency *agency)
{
	emr_share *share = agency->desk.share;
	bool is_registered = false;
	uint8_t pk[32];
	emr_act act;

	EMR_TRY(resume_next(agency, pk, &is_registered));
	act = emr_act_key_kx(share->me.signer_id, pk);
	if (!is_registered)
		EMR_TRY(parcel_send_one(share, emr_signer_identity(), &act));
	return move_on(agency);
}
