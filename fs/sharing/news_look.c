/* Others share with this person, and leave files in the Inbox, while nobody looks. This part of the
 * office's thread tells of both, each once, also of what came while the folder was closed. Many
 * that come one after the other are one notice: it waits until nothing more comes. It also tells
 * that a database which is shared by itself has got a log beside it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "contract/codes.h"
#include "keyring/coowned.h"
#include "session/session.h"
#include "share/domain.h"
#include "share/give.h"
#include "share/signed.h"
#include "sharing/office_looks.h"
#include "sharing/requests.h"
#include "view/received.h"

#define STATE_NEWS "news" /* NOTE, with the entries of the ledger of which this person was told */
#define NOTE "emrfs news 1\nentries %" PRIu64 "\n"
#define NOTE_MAX 80
#define QUIET_NS INT64_C(20000000000) /* a copying program's files come 15 s apart at most */
#define OPENED_NS INT64_C(3000000000) /* of what was there before the folder was opened */
#define AGAIN_NS INT64_C(2000000000)  /* the view shows a moment later what the ledger has */
#define ENTRIES_KEPT 10000	      /* that are looked through once more at the next opening */
#define NAMES_MAX 5
#define NAMES_BYTES 700

typedef struct list {
	size_t n;
	char names[NAMES_BYTES];
} list;

typedef struct news {
	const emr_session *session;
	emr_buf grants, letters; /* emr_id16: of the ledger's entries since the note */
	emr_buf marks;		 /* emr_guardian_mark, ...: what guardians ended since the note */
	emr_buf made, apart;	 /* emr_id16: of own files, of databases whose log was told of */
	emr_buf open, was_open;	 /* domains that others share, now and at the last look */
	list shares;
	emr_row_domain inbox;
	emr_id16 inbox_domain;
	uint8_t person_pk[32];
	uint64_t walked, noted, size;
	size_t waiting; /* at the last look */
	int64_t since_boot_ns;
	bool has_looked;
} news;

void emr_look_news_end(void *memory)
{
	news *n = memory;

	if (n == NULL)
		return;
	emr_buf_free(&n->grants);
	emr_buf_free(&n->letters);
	emr_buf_free(&n->marks);
	emr_buf_free(&n->made);
	emr_buf_free(&n->apart);
	emr_buf_free(&n->open);
	emr_buf_free(&n->was_open);
	free(n);
}

/* Without a note the folder was never open here. */
static emr_status begin(news *n)
{
	EMR_AUTO_BUF note = {0};
	emr_path_domain inbox;
	emr_status status = emr_file_read(n->session->state_fd, STATE_NEWS, NOTE_MAX, &note);

	if (status == EMR_OK)
		status = emr_buf_append(&note, "", 1);
	if (status == EMR_OK && sscanf((const char *)note.data, NOTE, &n->noted) == 1)
		n->walked = n->noted;
	if (emr_view_domain_of(n->session->view, "Inbox", &inbox) == EMR_OK)
		n->inbox_domain = inbox.own;
	EMR_TRY(emr_keyring_person_pk(n->session->keyring, n->person_pk));
	return status == EMR_NOT_FOUND || status == EMR_LIMIT ? EMR_OK : status;
}

static emr_status note_told(news *n)
{
	char text[NOTE_MAX];
	int len = snprintf(text, sizeof text, NOTE, n->walked);

	n->noted = n->walked;
	n->shares.n = n->waiting = 0;
	emr_buf_clear(&n->grants);
	emr_buf_clear(&n->letters);
	emr_buf_clear(&n->marks);
	return emr_file_replace(
		n->session->state_fd, STATE_NEWS, emr_bytes_of(text, (size_t)len), 0600);
}

static void name_one(list *l, const char *path)
{
	size_t at = l->n > 0 ? strlen(l->names) : 0;
	bool has_room = l->n < NAMES_MAX && at + strlen(path) + sizeof "; ; ..." < sizeof l->names;

	l->n++;
	if (has_room || at < 3 || strcmp(l->names + at - 3, "...") != 0)
		snprintf(l->names + at, sizeof l->names - at, "%s%s", at > 0 ? "; " : "",
			has_room ? path : "...");
}

/* A longer share of what is open already, or one through other agents, is no news; and the view may
 * be ahead of what was looked through. */
static bool note_share(void *arg, const emr_shared_with_me *s)
{
	news *n = arg;
	bool was_open = emr_told_has(&n->was_open, s->domain),
	     is_given = emr_told_has(&n->grants, s->grant);

	if (s->phase == EMR_SHARE_OPEN && !s->is_by_card &&
		(was_open || is_given || !n->has_looked) &&
		emr_buf_append(&n->open, &s->domain, sizeof s->domain) == EMR_OK && !was_open &&
		is_given)
		name_one(&n->shares, s->path);
	return true;
}

static emr_status note_change(const emr_visit *visit, news *n, const emr_replica_change *change)
{
	emr_guardian_mark mark;
	bool is_own;

	if (change->result != EMR_RESULT_APPLIED || change->seq >= n->size)
		return EMR_OK;
	if (change->op == EMR_OP_GRANT)
		return emr_buf_append(&n->grants, &change->object, sizeof change->object);
	if (change->op == EMR_OP_REVOKE || change->op == EMR_OP_WRITER_DEL) {
		EMR_TRY(emr_guardian_mark_of(visit->share, change, &mark));
		return emr_id32_is_zero(mark.guardian)
			       ? EMR_OK
			       : emr_buf_append(&n->marks, &mark, sizeof mark);
	}
	if (change->op == EMR_OP_PUT && change->version == 1 && n->has_looked)
		EMR_TRY(emr_buf_append(&n->made, &change->object, sizeof change->object));
	/* Before the first opening nothing was left, or it was told elsewhere. */
	if (change->op != EMR_OP_PUT || !emr_id16_equal(change->domain, n->inbox_domain) ||
		(n->noted == 0 && !n->has_looked) || emr_told_has(&n->letters, change->object))
		return EMR_OK;
	EMR_TRY(emr_domain_row(n->session->replica, n->inbox_domain, &n->inbox));
	EMR_TRY(emr_signed_is_owner(n->session->replica, n->inbox_domain, n->inbox.owner_pk,
		n->person_pk, change->signer_id, &is_own));
	return is_own ? EMR_OK
		      : emr_buf_append(&n->letters, &change->object, sizeof change->object);
}

static void tell_list(const emr_visit *visit, const list *l, emr_message message, const char *place)
{
	char n[16];

	snprintf(n, sizeof n, "%zu", l->n);
	if (l->n > 0)
		emr_notices_add_that(
			visit->notices, place, message, "n", n, "names", l->names, NULL);
}

/* Of the letters only what the folder shows: deposits.h says what it does not. */
static emr_status tell(const emr_visit *visit, news *n)
{
	list letters = {.n = 0};

	EMR_EACH (const emr_id16, object, &n->letters) {
		EMR_AUTO_FREE char *path = NULL;

		if (emr_view_path_of_object(n->session->view, *object, &path) == EMR_OK)
			name_one(&letters, path);
	}
	EMR_EACH (const emr_guardian_mark, mark, &n->marks)
		EMR_TRY(emr_guardian_tell(visit, mark));
	tell_list(visit, &n->shares, EMR_SAY_SHARED_ANEW, "shared-with-me");
	tell_list(visit, &letters, EMR_SAY_LETTERS, "Inbox");
	return note_told(n);
}

/* A log lies beside a database that is shared by itself. */
static emr_status tell_logs(const emr_visit *visit, news *n)
{
	EMR_EACH (const emr_id16, object, &n->made) {
		EMR_AUTO_FREE char *path = NULL;
		EMR_AUTO_BUF all = {0};
		emr_path_domain database;
		bool is_given = false;
		char *end;

		if (emr_view_path_of_object(n->session->view, *object, &path) != EMR_OK)
			continue;
		end = strrchr(path, '-');
		if (end == NULL || (strcmp(end, "-wal") != 0 && strcmp(end, "-journal") != 0))
			continue;
		*end = '\0';
		if (emr_view_domain_of(n->session->view, path, &database) != EMR_OK ||
			!database.is_root || emr_told_has(&n->apart, database.own))
			continue;
		EMR_TRY(emr_share_given(visit->share, database.own, &all));
		EMR_EACH (const emr_given, given, &all)
			is_given |=
				given->phase == EMR_GRANT_IN_FORCE && !emr_given_is_deposit(given);
		if (!is_given)
			continue;
		emr_notices_add_that(visit->notices, path, EMR_SAY_LOG_APART, "path", path, NULL);
		EMR_TRY(emr_buf_append(&n->apart, &database.own, sizeof database.own));
	}
	emr_buf_clear(&n->made);
	return EMR_OK;
}

static emr_status look(emr_visit *visit, news *n)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());
	emr_buf before = n->was_open;
	bool has_grown = n->size != visit->size;
	emr_replica_change change;
	size_t waiting;

	EMR_ASK(asked, n->session->replica, SINCE, .at = n->walked);
	n->size = visit->size;
	while (n->walked < visit->size && emr_next(&asked, &change))
		EMR_TRY(note_change(visit, n, &change));
	EMR_TRY(asked.status);
	n->walked = visit->size;
	EMR_TRY(tell_logs(visit, n));
	n->was_open = n->open;
	n->open = before;
	emr_buf_clear(&n->open);
	EMR_TRY(emr_view_each_shared_with_me(n->session->view, note_share, n));
	waiting = n->shares.n + n->letters.len / sizeof(emr_id16);
	if (waiting != n->waiting)
		n->since_boot_ns = n->has_looked ? now : now - QUIET_NS + OPENED_NS;
	n->waiting = waiting;
	if (n->marks.len > 0 || (waiting > 0 && now - n->since_boot_ns >= QUIET_NS)) {
		n->has_looked = true;
		return tell(visit, n);
	}
	if (waiting > 0)
		visit->due_boot_ns = n->since_boot_ns + QUIET_NS;
	else if (n->has_looked && has_grown)
		visit->due_boot_ns = now + AGAIN_NS;
	n->has_looked = true;
	return waiting == 0 && n->walked - n->noted > ENTRIES_KEPT ? note_told(n) : EMR_OK;
}

emr_status emr_look_news(emr_visit *visit)
{
	news *n = visit->memory != NULL ? visit->memory : calloc(1, sizeof *n);
	emr_status status = n != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK && visit->memory == NULL) {
		n->session = visit->session;
		status = begin(n);
	}
	if (status != EMR_OK) {
		emr_look_news_end(n);
		return status;
	}
	visit->memory = n;
	return look(visit, n);
}
