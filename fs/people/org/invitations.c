/* This file keeps the invitations of an administrator that wait at a network's host, and answers
 * the people who came. */
#include "org/invitations.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/secret.h"
#include "contract/codes.h"
#include "keyring/sealed.h"
#include "kit/out.h"
#include "ledger/welcome.h"
#include "network/post.h"
#include "org/staff.h"
#include "org/team_care.h"
#include "replica/names.h"

#define EMR_STATE_INVITATIONS "invitations"
/* fs/DESIGN.md has the bytes. */
#define ROW_MAX (16 + 32 + 2 + 8 + 32 + 1 + 1 + EMR_CERT_HANDLE_MAX)
#define PAGE_BYTES 4096
#define PLAIN_MAX (2 + (size_t)EMR_INVITATIONS_MAX * ROW_MAX + PAGE_BYTES)
#define VALID_S ((uint64_t)10 * 365 * 86400) /* of a certificate; another invitation renews it */
#define REPLY_MAX 4096

static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'P', 'I', 1, 0, 0, 0};

typedef struct emr_invited {
	char whom[EMR_CERT_HANDLE_MAX + 1]; /* as the administrator calls the invited */
	uint16_t roles;
	uint64_t expires; /* Unix seconds */
	emr_id16 id;
	uint8_t secret[32];
	emr_id32 given;		   /* the key that got the certificate; zeros: nobody came yet */
	bool is_answered, is_told; /* EMR_INVITED_CAME was told */
} emr_invited;

typedef enum emr_invited_news {
	EMR_INVITED_WAITS, /* nobody came yet, or is not registered yet */
	EMR_INVITED_CAME,  /* and is registered: this is told once */
	EMR_INVITED_TOLD,  /* it was, by another process */
	EMR_INVITED_ENDED, /* by its date, unused; forgotten then */
	EMR_INVITED_TAKEN, /* somebody else has that handle: the same */
} emr_invited_news;
typedef struct invitations {
	emr_invited *all; /* room for EMR_INVITATIONS_MAX */
	size_t n;
	int lock_fd; /* of the file that is read, changed and written */
} invitations;

static void invitations_free(invitations *i)
{
	if (i->all != NULL)
		emr_wipe(i->all, EMR_INVITATIONS_MAX * sizeof *i->all);
	free(i->all);
	if (i->lock_fd >= 0)
		(void)close(i->lock_fd);
}
#define AUTO_INVITATIONS __attribute__((cleanup(invitations_free))) invitations

/* ---- the file ---- */

static emr_status read_row(emr_reader *r, emr_invited *out)
{
	uint8_t state;
	size_t len;

	*out = (emr_invited){.roles = 0};
	emr_read_copy(r, out->id.b, 16);
	emr_read_copy(r, out->secret, 32);
	out->roles = emr_read_u16(r);
	out->expires = emr_read_u64(r);
	emr_read_copy(r, out->given.b, 32);
	state = emr_read_u8(r);
	out->is_answered = state >= 1;
	out->is_told = state >= 2;
	len = emr_read_u8(r);
	if (r->bad || len > EMR_CERT_HANDLE_MAX)
		return EMR_DAMAGED;
	emr_read_copy(r, out->whom, len);
	return r->bad ? EMR_DAMAGED : EMR_OK;
}

static emr_status add(invitations *i, const emr_invited *one)
{
	if (i->n >= EMR_INVITATIONS_MAX)
		return EMR_LIMIT;
	i->all[i->n++] = *one;
	return EMR_OK;
}

static emr_status read_rows(emr_bytes plain, invitations *out)
{
	emr_reader r = emr_reader_of(plain);
	emr_invited one = {.roles = 0};
	emr_status status = EMR_OK;

	for (size_t n = emr_read_u16(&r); status == EMR_OK && n > 0; n--) {
		status = read_row(&r, &one);
		if (status == EMR_OK)
			status = add(out, &one);
	}
	emr_wipe(&one, sizeof one);
	return status;
}

/* An open folder and a verb may answer at the same time: one after the other. */
static emr_status load(const emr_bureau *bureau, invitations *out)
{
	const emr_session *session = &bureau->session;
	EMR_AUTO_BUF plain = {0};
	emr_status status;

	*out = (invitations){.lock_fd = openat(session->state_fd, EMR_STATE_INVITATIONS ".lock",
				     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600),
		.all = calloc(EMR_INVITATIONS_MAX, sizeof *out->all)};
	if (out->all == NULL)
		return EMR_NO_MEMORY;
	if (out->lock_fd < 0 || flock(out->lock_fd, LOCK_EX) != 0)
		return EMR_IO;
	status = emr_sealed_load(session->keyring, session->state_fd, EMR_STATE_INVITATIONS, head,
		PLAIN_MAX, &plain);
	if (status == EMR_OK)
		status = read_rows(emr_buf_view(&plain), out);
	if (plain.len > 0)
		emr_wipe(plain.data, plain.len);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status save(const emr_bureau *bureau, const invitations *i)
{
	const emr_session *session = &bureau->session;
	EMR_AUTO_BUF plain = {0};
	emr_writer w = emr_writer_of(&plain);
	emr_status status;

	emr_write_u16(&w, (uint16_t)i->n);
	for (size_t n = 0; n < i->n; n++) {
		const emr_invited *one = &i->all[n];

		emr_write_bytes(&w, one->id.b, 16);
		emr_write_bytes(&w, one->secret, 32);
		emr_write_u16(&w, one->roles);
		emr_write_u64(&w, one->expires);
		emr_write_bytes(&w, one->given.b, 32);
		emr_write_u8(&w, (uint8_t)(one->is_answered + one->is_told));
		emr_write_u8(&w, (uint8_t)strlen(one->whom));
		emr_write_bytes(&w, one->whom, strlen(one->whom));
	}
	emr_write_zeros(&w, PAGE_BYTES - plain.len % PAGE_BYTES);
	status = w.status == EMR_OK ? emr_sealed_save(session->keyring, session->state_fd,
					      EMR_STATE_INVITATIONS, head, emr_buf_view(&plain))
				    : w.status;
	if (plain.len > 0)
		emr_wipe(plain.data, plain.len);
	return status;
}

/* Of most networks there are none, and no file is made by asking. */
static bool has_some(const emr_bureau *bureau)
{
	return faccessat(bureau->session.state_fd, EMR_STATE_INVITATIONS, F_OK,
		       AT_SYMLINK_NOFOLLOW) == 0;
}

static void drop(invitations *i, size_t n)
{
	i->all[n] = i->all[--i->n];
	emr_wipe(&i->all[i->n], sizeof *i->all);
}

emr_status emr_invitations_keep(const emr_bureau *bureau, const emr_invitation *invitation,
	const char *whom, emr_bytes sealed)
{
	emr_post post = emr_post_of(bureau->dir, invitation->id, bureau->session.keyring);
	AUTO_INVITATIONS list = {.lock_fd = -1};
	emr_invited one = {
		.roles = invitation->roles, .expires = invitation->expires, .id = invitation->id};
	emr_status status = load(bureau, &list);

	memcpy(one.secret, invitation->secret, sizeof one.secret);
	memcpy(one.whom, whom, strnlen(whom, sizeof one.whom - 1));
	if (status == EMR_OK)
		status = add(&list, &one);
	if (status == EMR_OK)
		status = save(bureau, &list);
	emr_wipe(&one, sizeof one);
	if (status != EMR_OK)
		return status;
	status = emr_post_invite(&post, invitation->expires, sealed);
	if (status != EMR_OK) {
		drop(&list, list.n - 1);
		(void)!save(bureau, &list);
	}
	return status;
}

/* ---- one certificate ---- */

/* A handle is one person's: he gets another certificate with the key he has, and nobody else gets
 * his. */
static emr_status check_handle(
	const emr_bureau *bureau, const char *handle, emr_id32 signer_id, emr_problem *out_problem)
{
	emr_staff_member other;
	emr_status status =
		handle != NULL ? emr_staff_find(bureau, handle, &other, NULL, 0) : EMR_NOT_FOUND;

	if (status == EMR_OK && other.person.row.head.state != EMR_KEY_REVOKED &&
		!emr_id32_equal(other.person.signer_id, signer_id)) {
		emr_problem_set(out_problem, EMR_SAY_HANDLE_TAKEN, "what", handle, NULL);
		return EMR_EXISTS;
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_invitations_give_again(
	emr_bureau *bureau, const char *handle, uint64_t through_unix_s, emr_problem *out_problem)
{
	emr_act act = emr_act_enrol_revoke(bureau->org, handle, through_unix_s);
	uint64_t ended = 0;
	emr_status status = emr_staff_ended_through(bureau, handle, &ended);

	if (status == EMR_NOT_FOUND || (status == EMR_OK && ended <= through_unix_s))
		return EMR_OK;
	return status == EMR_OK ? emr_bureau_send(bureau, &act, (emr_bytes){0}, out_problem)
				: status;
}

/* The certificate that REPLY asks for, by INVITATION of the bureau's organisation.  HANDLE: NULL =
 * the code that is asked for.  A handle is one person's: EMR_EXISTS, with a problem. */
static emr_status certify(emr_bureau *bureau, const emr_invitation *invitation, emr_bytes reply,
	const char *handle, emr_buf *out_cert, emr_id32 *out_signer_id, emr_problem *out_problem)
{
	emr_cert_facts facts;

	if (bureau->ca.len == 0)
		EMR_TRY(emr_bureau_ca(bureau));
	EMR_TRY(emr_welcome_certify(bureau->session.keyring, emr_buf_view(&bureau->ca), invitation,
		reply, handle, emr_clock_unix_s(emr_clock_system()), VALID_S, out_cert,
		out_signer_id));
	EMR_TRY(check_handle(bureau, handle, *out_signer_id, out_problem));
	EMR_TRY(emr_cert_read(emr_buf_view(out_cert), &facts));
	return emr_invitations_give_again(bureau, facts.handle, facts.not_after - 1, out_problem);
}

/* ---- who came ---- */

/* The answer took the reply away; a program that ended then has not noted it. */
static emr_status note_answered(
	emr_bureau *bureau, invitations *list, emr_invited *one, emr_post *post)
{
	EMR_AUTO_BUF answer = {0};

	post->asked_ns = 0;
	one->is_answered =
		emr_post_look(post, EMR_LETTER_ANSWER, EMR_CERT_CHAIN_MAX, 0, &answer) == EMR_OK;
	return one->is_answered ? save(bureau, list) : EMR_OK;
}

/* A reply that is none says nothing, as whoever leaves it there knows no secret. */
static emr_status answer(emr_bureau *bureau, invitations *list, emr_invited *one, emr_post *post,
	emr_problem *out_problem)
{
	emr_invitation invitation = {.id = one->id, .roles = one->roles, .org = bureau->org};
	EMR_AUTO_BUF reply = {0};
	EMR_AUTO_BUF cert = {0};
	emr_id32 signer_id;
	/* A patient is not named where others read it. */
	const char *handle = one->roles == EMR_ROLE_PATIENT ? NULL : one->whom;
	emr_status status = emr_post_look(post, EMR_LETTER_REPLY, REPLY_MAX, 0, &reply);

	if (status == EMR_TIMEOUT && !emr_id32_is_zero(one->given))
		return note_answered(bureau, list, one, post);
	if (status != EMR_OK)
		return status == EMR_TIMEOUT || status == EMR_LIMIT ? EMR_OK : status;
	memcpy(invitation.secret, one->secret, sizeof invitation.secret);
	status = certify(
		bureau, &invitation, emr_buf_view(&reply), handle, &cert, &signer_id, out_problem);
	emr_wipe(&invitation, sizeof invitation);
	if (status == EMR_DAMAGED || status == EMR_BAD_SIGNATURE)
		return EMR_OK;
	if (status != EMR_OK)
		return status;
	/* Noted before it leaves: whatever ends the program, no second key gets one. */
	if (!emr_id32_is_zero(one->given) && !emr_id32_equal(one->given, signer_id))
		return EMR_OK;
	one->given = signer_id;
	EMR_TRY(save(bureau, list));
	EMR_TRY(emr_post_put(post, EMR_LETTER_ANSWER, emr_buf_view(&cert)));
	one->is_answered = true;
	return save(bureau, list);
}

static emr_status end(emr_post *post, const emr_invited *one)
{
	return one->is_answered ? EMR_OK
				: emr_post_put(post, EMR_LETTER_ANSWER, emr_bytes_of("", 1));
}

static emr_status look(emr_bureau *bureau, invitations *list, size_t n, emr_invited_news *out,
	emr_problem *problem)
{
	emr_invited *one = &list->all[n];
	emr_post post = emr_post_of(bureau->dir, one->id, bureau->session.keyring);
	emr_known_person person;
	bool is_over = one->expires <= emr_clock_unix_s(emr_clock_system());
	emr_status status = EMR_OK;

	*out = one->is_told ? EMR_INVITED_TOLD : EMR_INVITED_WAITS;
	if (one->is_told)
		return EMR_OK;
	if (!one->is_answered && !is_over)
		status = answer(bureau, list, one, &post, problem);
	if (status == EMR_EXISTS) {
		*out = EMR_INVITED_TAKEN;
		return end(&post, one);
	}
	if (status == EMR_OK && one->is_answered)
		status = emr_replica_person(bureau->session.replica, one->given, &person);
	else if (status == EMR_OK && is_over) {
		*out = EMR_INVITED_ENDED;
		return end(&post, one);
	} else
		return status;
	if (status == EMR_OK)
		*out = EMR_INVITED_CAME;
	else if (status == EMR_NOT_FOUND && is_over)
		*out = EMR_INVITED_ENDED;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* The team of all staff has everybody who works here. */
static void let_in(emr_bureau *bureau, const emr_invited *one)
{
	emr_problem problem = {0};
	emr_status status = (one->roles & EMR_ROLES_OF_STAFF) != 0
				    ? emr_teams_tend(bureau, true, 0, &problem)
				    : EMR_OK;

	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "joining: the team of all staff: %s",
			emr_status_text(status));
}

static bool is_over(const emr_invited *one, emr_invited_news news)
{
	return news == EMR_INVITED_ENDED || news == EMR_INVITED_TAKEN ||
	       (news == EMR_INVITED_TOLD && one->expires <= emr_clock_unix_s(emr_clock_system()));
}

static emr_status add_row(const emr_invited *invited, emr_invited_news news, json_t *rows)
{
	static const char *const states[] = {"waits", "came", "told", "ended", "taken"};
	const bool is_let_in = news == EMR_INVITED_WAITS && invited->is_answered;
	char id[33], given[65], code[EMR_KEY_CODE_MAX + 1], role[EMR_ROLES_TEXT_MAX];

	emr_hex(invited->id.b, sizeof invited->id.b, id);
	emr_hex(invited->given.b, sizeof invited->given.b, given);
	emr_key_code(invited->given, EMR_KEY_CODE_NAMES, code);
	emr_roles_text(invited->roles, role);
	return json_array_append_new(
		       rows, json_pack("{s:s, s:o, s:s, s:I, s:s, s:s, s:s}", "id", id, "handle",
				     emr_json_text(invited->whom), "role", role, "expires",
				     (json_int_t)invited->expires, "state",
				     is_let_in ? "let-in" : states[news], "code", code, "signer",
				     given)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

static emr_status tell(
	emr_bureau *bureau, invitations *list, size_t n, emr_invited_news news, json_t *rows)
{
	emr_invited *one = &list->all[n];

	if (news == EMR_INVITED_CAME)
		let_in(bureau, one);
	EMR_TRY(add_row(one, news, rows));
	one->is_told = news == EMR_INVITED_CAME || news == EMR_INVITED_TOLD;
	if (is_over(one, news))
		drop(list, n);
	else if (news != EMR_INVITED_CAME)
		return EMR_OK;
	return save(bureau, list);
}

emr_status emr_invitations_run(emr_bureau *bureau, json_t **out_list, emr_problem *out_problem)
{
	AUTO_INVITATIONS list = {.lock_fd = -1};
	json_auto_t *rows = json_array();
	emr_status status = rows != NULL ? EMR_OK : EMR_NO_MEMORY, first = EMR_OK;

	if (status == EMR_OK && has_some(bureau))
		status = load(bureau, &list);
	for (size_t n = list.n; n-- > 0 && status == EMR_OK;) {
		emr_invited_news news;
		emr_status one = look(bureau, &list, n, &news, out_problem);

		if (one == EMR_OK)
			status = tell(bureau, &list, n, news, rows);
		else /* the others all the same */
			first = one;
	}
	*out_list = json_incref(rows); /* also of the others */
	return status == EMR_OK ? first : status;
}

emr_status emr_invitations_given(const emr_bureau *bureau, const char *whom, emr_id32 *out)
{
	AUTO_INVITATIONS list = {.lock_fd = -1};
	emr_status found = EMR_NOT_FOUND;

	if (!has_some(bureau))
		return EMR_NOT_FOUND;
	EMR_TRY(load(bureau, &list));
	for (size_t n = list.n; n-- > 0;) {
		if (strcmp(list.all[n].whom, whom) != 0 || emr_id32_is_zero(list.all[n].given))
			continue;
		*out = list.all[n].given;
		found = found == EMR_NOT_FOUND ? EMR_OK : EMR_CONFLICT;
	}
	return found;
}

emr_status emr_invitations_withdraw(emr_bureau *bureau, const char *whom)
{
	AUTO_INVITATIONS list = {.lock_fd = -1};
	emr_status status, found = EMR_NOT_FOUND;

	if (!has_some(bureau))
		return EMR_NOT_FOUND;
	status = load(bureau, &list);
	for (size_t n = list.n; n-- > 0 && status == EMR_OK;) {
		emr_post post;
		emr_status told;

		if (strcmp(list.all[n].whom, whom) != 0 || list.all[n].is_answered)
			continue;
		/* Nobody answers it from here on; that the invited is told is a courtesy. */
		post = emr_post_of(bureau->dir, list.all[n].id, bureau->session.keyring);
		told = end(&post, &list.all[n]);
		if (told != EMR_OK)
			emr_log(EMR_LOG_WARN, "joining: a withdrawal was not told: %s",
				emr_status_text(told));
		drop(&list, n);
		found = status = save(bureau, &list);
	}
	return status == EMR_OK ? found : status;
}
