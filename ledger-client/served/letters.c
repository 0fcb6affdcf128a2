/* This file keeps letters for their two sides: the reply of the invited, who has no key on the
 * ledger yet, and the answer of the administrator; and applications of organisations. An
 * invitation's id is 128 random bits that nobody else knows; the reader of a letter verifies it. A
 * stranger fills no disk: a reply is taken only for an invitation that an administrator has left
 * here, until its end or its answer. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "base/worker.h"
#include "contract/rows.h"
#include "ledger/admission.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "served/client.h"
#include "served_private.h"

#define ID_CHARS 32
#define APPLICATION "application"
#define INVITATION                                                                                 \
	"invitation" /* its end, u64, the organisation of who left it, and what waits              \
		      */
#define INVITATION_HEAD 24
#define PEERS_MS 8000 /* that a channel may take: clients take ten seconds for silence */
#define KEPT_S ((uint64_t)366 * 86400) /* of what nobody took away */
#define ASKED_S ((uint64_t)31 * 86400) /* of an application, which anybody may leave */

/* "HEX.STEP". */
static bool is_name(const char *name, const char *step)
{
	return strspn(name, "0123456789abcdef") == ID_CHARS && name[ID_CHARS] == '.' &&
	       strcmp(name + ID_CHARS + 1, step) == 0;
}

static bool is_old(const emr_served *served, const char *name, uint64_t kept_s)
{
	struct stat st;

	return fstatat(served->mail_dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_mtime + kept_s < emr_clock_unix_s(served->clock);
}

static void remove_letter(const emr_served *served, const char *name, const char *step)
{
	char path[64];

	(void)snprintf(path, sizeof path, "%.*s.%s", ID_CHARS, name, step);
	(void)unlinkat(served->mail_dirfd, path, 0);
}

/* Reads an invitation that has not ended; NAME begins with its id. */
static bool read_invitation(const emr_served *served, const char *name, emr_buf *out)
{
	char path[64];

	(void)snprintf(path, sizeof path, "%.*s." INVITATION, ID_CHARS, name);
	return emr_file_read(served->mail_dirfd, path, INVITATION_HEAD + WIRE_LETTER_MAX, out) ==
		       EMR_OK &&
	       out->len >= INVITATION_HEAD &&
	       emr_get_u64(out->data) > emr_clock_unix_s(served->clock);
}

/* One that has neither ended nor been answered.  An answered one waits until its end all the same,
 * for who was interrupted while joining. */
static bool is_open(const emr_served *served, const char *name, uint8_t out_org[16])
{
	EMR_AUTO_BUF text = {0};
	char path[64];

	(void)snprintf(path, sizeof path, "%.*s.certificate", ID_CHARS, name);
	if (!read_invitation(served, name, &text) ||
		faccessat(served->mail_dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return false;
	memcpy(out_org, text.data + 8, 16);
	return true;
}

static bool is_of_member(emr_served *served, emr_bytes letter)
{
	emr_application application;
	emr_row_org row;
	EMR_LOCKED(&served->rows_lock);

	return emr_application_read(letter, &application) == EMR_OK &&
	       emr_chain_org_row(served->rows, application.org.b, &row, NULL) == EMR_OK &&
	       row.head.state == EMR_ORG_MEMBER;
}

/* The next name of a letter, or NULL behind the last one; *LISTING begins as NULL, and is closed
 * then.
 */
static const char *next_name(const emr_served *served, DIR **listing, emr_status *status)
{
	const struct dirent *entry = NULL;
	int fd;

	if (*listing == NULL) {
		fd = openat(served->mail_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		*listing = fd >= 0 ? fdopendir(fd) : NULL;
		if (*listing == NULL) {
			if (fd >= 0)
				(void)close(fd);
			*status = EMR_IO;
			return NULL;
		}
	}
	if (*status == EMR_OK)
		entry = readdir(*listing);
	if (entry == NULL)
		(void)closedir(*listing);
	return entry != NULL ? entry->d_name : NULL;
}

typedef struct count {
	const char *step;
	const uint8_t *org; /* of whose invitations alone; NULL: all count */
	size_t open, most;
} count;

/* Takes away what has ended, and counts what is open. */
static emr_status count_name(emr_served *served, const char *name, count *c)
{
	uint8_t org[16] = {0};
	EMR_AUTO_BUF text = {0};

	if (is_name(name, INVITATION) && !is_open(served, name, org)) {
		remove_letter(served, name, "reply");
		if (!read_invitation(served, name, &text))
			remove_letter(served, name, INVITATION);
		return EMR_OK;
	}
	if (is_old(served, name, is_name(name, APPLICATION) ? ASKED_S : KEPT_S) &&
		unlinkat(served->mail_dirfd, name, 0) == 0)
		return EMR_OK;
	c->open +=
		is_name(name, c->step) && (c->org == NULL || memcmp(org, c->org, sizeof org) == 0);
	return c->open < c->most ? EMR_OK : EMR_LIMIT;
}

/* Its name says its content, so that nobody can put another one in its place. */
static emr_status check_application(const emr_serve_call *call)
{
	emr_bytes body = {call->body.data, call->body.len};
	emr_id32 hash = emr_sha256_of(&body, 1);
	char hex[ID_CHARS + 1];

	emr_hex(hash.b, ID_CHARS / 2, hex);
	return strncmp(call->path, hex, ID_CHARS) == 0 ? EMR_OK : EMR_INVALID;
}

/* Only an administrator's organisation signs certificates. */
static emr_status check_admin(emr_served *served, emr_serve_call *call, uint8_t out_org[16])
{
	emr_row_key row = {0};
	emr_status status;

	EMR_TRY(emr_served_check(served, call, (emr_bytes){0}));
	EMR_TRY(emr_served_at_home(served, call->asks));
	(void)pthread_mutex_lock(&served->rows_lock);
	status = emr_chain_key_row(served->rows, call->asks.b, &row, NULL);
	(void)pthread_mutex_unlock(&served->rows_lock);
	memcpy(out_org, row.org, sizeof row.org);
	return status == EMR_OK && (row.roles & EMR_ROLE_ORG_ADMIN) != 0 ? EMR_OK : EMR_DENIED;
}

static emr_status count_members(emr_served *served, size_t *out_n)
{
	EMR_LOCKED(&served->rows_lock);
	EMR_AUTO_CHAIN_ROWS rows = {.chain = served->rows, .prefix = "M/"};
	emr_row_org row;

	for (*out_n = 0; emr_chain_next_row(&rows);)
		*out_n += emr_row_org_parse(emr_span_of(rows.value), &row) == EMR_CONTRACT_OK &&
			  row.head.state == EMR_ORG_MEMBER;
	return rows.status;
}

static emr_status take_letter(emr_served *served, const emr_serve_call *call, count room)
{
	DIR *listing = NULL;
	emr_status status = EMR_OK;
	const char *name;

	while (room.most > 0 && (name = next_name(served, &listing, &status)) != NULL)
		status = count_name(served, name, &room);
	EMR_TRY(status);
	return emr_file_replace(served->mail_dirfd, call->path, emr_buf_view(&call->body), 0600);
}

/* Each organisation has as large a share of the room as each other one, so that none takes it all.
 */
static emr_status take_invitation(emr_served *served, emr_serve_call *call)
{
	uint8_t org[16];
	count room = {INVITATION, org, .open = 0};
	size_t members;

	EMR_TRY(check_admin(served, call, org));
	if (call->body.len < 8 || emr_get_u64(call->body.data) >
					  emr_clock_unix_s(served->clock) + WIRE_CLOCKS_APART_S +
						  EMR_SERVED_INVITATION_MAX_S)
		return EMR_INVALID;
	EMR_TRY(count_members(served, &members));
	if (members == 0)
		return EMR_DENIED;
	EMR_TRY(emr_buf_append(&call->body, org, sizeof org));
	memmove(call->body.data + INVITATION_HEAD, call->body.data + 8,
		call->body.len - INVITATION_HEAD);
	memcpy(call->body.data + 8, org, sizeof org);
	room.most = EMR_SERVED_INVITATIONS_MAX > members ? EMR_SERVED_INVITATIONS_MAX / members : 1;
	return take_letter(served, call, room);
}

/* Nobody waits longer, and nobody when the host ends. */
static emr_fabric_call call_of(const emr_served *served)
{
	return (emr_fabric_call){
		.until_ns = emr_clock_boot_ns(emr_clock_system()) + PEERS_MS * INT64_C(1000000),
		.cancel_fds = {served->others.stop_fd}};
}

/* NULL: the ledger is in none. */
static emr_status open_channel(const emr_served *served, emr_fabric **out_channel)
{
	EMR_AUTO_FREE char *dir = NULL;
	const emr_status status = emr_network_channel(served->dirfd, &dir);

	return status == EMR_OK		 ? emr_fabric_open(dir, out_channel)
	       : status == EMR_NOT_FOUND ? EMR_OK
					 : status;
}

/* Members who are at other hosts of the channel see it there.  One that names no MSP brings nothing
 * into a channel, and nobody would see it: EMR_INVALID. */
static emr_status pass_on(emr_served *served, const emr_serve_call *call)
{
	EMR_AUTO_FABRIC channel = NULL;
	emr_fabric_call on_its_way = call_of(served);
	emr_application application;
	char hex[ID_CHARS + 1];
	emr_id16 place;
	emr_status status = EMR_BUSY;

	EMR_TRY(open_channel(served, &channel));
	if (channel == NULL)
		return EMR_OK;
	if (emr_application_read(emr_buf_view(&call->body), &application) == EMR_OK &&
		application.msp[0] == '\0')
		return EMR_INVALID;
	(void)snprintf(hex, sizeof hex, "%.*s", ID_CHARS, call->path);
	EMR_TRY(emr_unhex(hex, place.b, sizeof place.b));
	if (atomic_fetch_add(&served->relayed, 1) < SERVED_RELAYED)
		status = emr_fabric_leave(channel, &on_its_way, place, emr_buf_view(&call->body));
	atomic_fetch_sub(&served->relayed, 1);
	return status;
}

/* The invited and those who apply are strangers; an administrator invites and answers. */
emr_status served_leave_letter(emr_served *served, emr_serve_call *call)
{
	uint8_t org[16];

	if (served->mail_dirfd < 0)
		return EMR_NOT_FOUND;
	if (is_name(call->path, "reply"))
		return is_open(served, call->path, org) ? take_letter(served, call, (count){0})
							: EMR_NOT_FOUND;
	if (is_name(call->path, APPLICATION)) {
		EMR_TRY(check_application(call));
		EMR_TRY(pass_on(served, call));
		return take_letter(
			served, call, (count){APPLICATION, .most = EMR_SERVED_APPLICATIONS_MAX});
	}
	if (is_name(call->path, INVITATION))
		return take_invitation(served, call);
	if (!is_name(call->path, "certificate"))
		return EMR_NOT_FOUND;
	EMR_TRY(check_admin(served, call, org));
	EMR_TRY(take_letter(served, call, (count){0}));
	remove_letter(served, call->path, "reply");
	return EMR_OK;
}

emr_status served_find_letter(emr_served *served, emr_serve_call *call)
{
	EMR_AUTO_BUF text = {0};

	if (served->mail_dirfd < 0)
		return EMR_NOT_FOUND;
	/* Sealed for who has its code; its id, which follows from the code, is as hard to guess. */
	if (is_name(call->path, INVITATION))
		return read_invitation(served, call->path, &text)
			       ? emr_buf_append(&call->out, text.data + INVITATION_HEAD,
					 text.len - INVITATION_HEAD)
			       : EMR_NOT_FOUND;
	if (is_name(call->path, "reply"))
		EMR_TRY(emr_served_check(served, call, (emr_bytes){0}));
	else if (!is_name(call->path, "certificate"))
		return EMR_NOT_FOUND;
	return emr_file_read(served->mail_dirfd, call->path, WIRE_LETTER_MAX, &call->out);
}

/* One that is gone meanwhile, or none of ours, is passed over; what has no room waits until others
 * have ended.  Once its organisation is a member it has done what it was left for. */
static emr_status put_application(emr_served *served, const char *name, emr_serve_call *call)
{
	EMR_AUTO_BUF letter = {0};

	if (!is_name(name, APPLICATION) || call->out.len >= WIRE_PORTION ||
		emr_file_read(served->mail_dirfd, name, WIRE_LETTER_MAX, &letter) != EMR_OK ||
		letter.len == 0)
		return EMR_OK;
	if (is_of_member(served, emr_buf_view(&letter))) {
		remove_letter(served, name, APPLICATION);
		return EMR_OK;
	}
	return wire_put_part(emr_buf_view(&letter), &call->out);
}

typedef struct listing {
	emr_served *served;
	emr_serve_call *call;
} listing;

/* The same one may lie here and there: who reads it sees one organisation. */
static emr_status put_from_channel(void *arg, emr_bytes letter)
{
	const listing *l = arg;

	return l->call->out.len >= WIRE_PORTION || letter.len == 0 ||
			       is_of_member(l->served, letter)
		       ? EMR_OK
		       : wire_put_part(letter, &l->call->out);
}

/* Those of the channel, where its peers answer. */
emr_status served_give_applications(emr_served *served, emr_serve_call *call)
{
	EMR_AUTO_FABRIC channel = NULL;
	emr_fabric_call now = call_of(served);
	listing l = {.served = served, .call = call};
	emr_status status = EMR_OK;
	DIR *names = NULL;
	const char *name;

	while (served->mail_dirfd >= 0 && (name = next_name(served, &names, &status)) != NULL)
		status = put_application(served, name, call);

	if (status == EMR_OK)
		status = open_channel(served, &channel);
	if (channel != NULL && emr_fabric_letters(channel, &now, put_from_channel, &l) != EMR_OK)
		emr_log(EMR_LOG_WARN, "host: applications in the channel are not seen: %s",
			now.said);
	return status;
}
