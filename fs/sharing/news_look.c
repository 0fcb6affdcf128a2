/* Others share with this person, and leave files in the Inbox, while nobody looks. This part of the
 * office's thread tells of both, each once, also of what came while the folder was closed. Many
 * that come one after the other are one notice: it waits until nothing more comes. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/coowned.h"
#include "keyring/sealed.h"
#include "session/session.h"
#include "share/domain.h"
#include "share/give.h"
#include "share/signed.h"
#include "sharing/office_looks.h"
#include "view/received.h"

#define EMR_STATE_NEWS "news"
/* Sealed, of: u64 entries in which letters were looked for, u32 n, n of domain [16] that others
 * share and this person was told of; padded with zeros to a multiple of 4,096. */
#define HEAD_BYTES 12
#define DOMAINS_MAX 100000
#define PAGE_BYTES 4096

#define QUIET_NS INT64_C(20000000000) /* a copying program's files come 15 s apart at most */
#define OPENED_NS INT64_C(3000000000) /* of what was there before the folder was opened */
#define AGAIN_NS INT64_C(2000000000)  /* the view shows a moment later what the ledger has */
#define ENTRIES_KEPT 10000	      /* that are looked through once more at the next opening */
#define NAMES_MAX 5
#define NAMES_BYTES 700

static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'P', 'N', 1, 0, 0, 0};

typedef struct news {
	emr_buf told;	 /* domains, as in the file */
	emr_buf letters; /* emr_id16 of files that came since, and wait to be told */
	uint64_t walked, saved, size;
	emr_id16 inbox;
	emr_row_domain inbox_row;
	size_t waiting; /* shares and letters, at the last look */
	int64_t since_boot_ns;
	bool has_looked, is_known; /* the file was there */
} news;

/* What one notice says. */
typedef struct list {
	news *of;
	emr_buf domains;
	size_t n;
	char names[NAMES_BYTES], first[PATH_MAX];
} list;

void emr_look_news_end(void *memory)
{
	news *n = memory;

	if (n == NULL)
		return;
	emr_buf_free(&n->told);
	emr_buf_free(&n->letters);
	free(n);
}

/* ---- the file ---- */

static emr_status load(const emr_visit *visit, news *out)
{
	EMR_AUTO_BUF plain = {0};
	emr_status status = emr_sealed_load(visit->session->keyring, visit->session->state_fd,
		EMR_STATE_NEWS, head,
		HEAD_BYTES + (size_t)DOMAINS_MAX * sizeof(emr_id16) + PAGE_BYTES, &plain);
	emr_reader r = emr_reader_of(emr_buf_view(&plain));
	size_t n;

	if (status == EMR_NOT_FOUND) { /* nothing was left here before it was first opened */
		out->walked = visit->size;
		return EMR_OK;
	}
	EMR_TRY(status);
	out->walked = out->saved = emr_read_u64(&r);
	n = emr_read_u32(&r);
	if (r.bad || n > DOMAINS_MAX || r.left < n * sizeof(emr_id16))
		return EMR_DAMAGED;
	out->is_known = true;
	return emr_buf_append(&out->told, plain.data + HEAD_BYTES, n * sizeof(emr_id16));
}

static emr_status save(const emr_visit *visit, news *n)
{
	EMR_AUTO_BUF plain = {0};
	emr_writer w = emr_writer_of(&plain);
	size_t count = n->told.len / sizeof(emr_id16),
	       from = count > DOMAINS_MAX ? count - DOMAINS_MAX : 0;

	emr_write_u64(&w, n->walked);
	emr_write_u32(&w, (uint32_t)(count - from));
	emr_write_bytes(
		&w, n->told.data + from * sizeof(emr_id16), n->told.len - from * sizeof(emr_id16));
	emr_write_zeros(&w, PAGE_BYTES - plain.len % PAGE_BYTES);
	EMR_TRY(w.status);
	n->saved = n->walked;
	n->is_known = true;
	return emr_sealed_save(visit->session->keyring, visit->session->state_fd, EMR_STATE_NEWS,
		head, emr_buf_view(&plain));
}

/* ---- what is new ---- */

static void name_one(list *l, const char *path)
{
	size_t at = strlen(l->names);
	bool has_room = l->n < NAMES_MAX && at + strlen(path) + sizeof "; ; ..." < sizeof l->names;

	if (l->n++ == 0)
		snprintf(l->first, sizeof l->first, "%s", path);
	if (has_room)
		snprintf(l->names + at, sizeof l->names - at, "%s%s", at > 0 ? "; " : "", path);
	else if (at < 3 || strcmp(l->names + at - 3, "...") != 0)
		snprintf(l->names + at, sizeof l->names - at, "%s...", at > 0 ? "; " : "");
}

/* What is shared once more after its end is new again. */
static void forget(emr_buf *told, emr_id16 domain)
{
	for (size_t at = 0; at < told->len; at += sizeof domain)
		if (memcmp(told->data + at, domain.b, sizeof domain) == 0) {
			told->len -= sizeof domain;
			memmove(told->data + at, told->data + told->len, sizeof domain);
			return;
		}
}

static bool note_share(void *arg, const emr_shared_with_me *s)
{
	list *l = arg;

	if (s->phase != EMR_SHARE_OPEN)
		forget(&l->of->told, s->domain);
	else if (!s->is_by_card && !emr_told_has(&l->of->told, s->domain) &&
		 emr_buf_append(&l->domains, &s->domain, sizeof s->domain) == EMR_OK)
		name_one(l, s->path);
	return true;
}

static emr_status note_inbox(void *arg, emr_id16 domain, bool is_mine, emr_bytes bytes)
{
	news *n = arg;
	emr_row_domain row;

	if (is_mine &&
		emr_row_domain_parse((emr_span){bytes.data, bytes.len}, &row) == EMR_CONTRACT_OK &&
		(row.head.flags & EMR_ITEM_INBOX) != 0) {
		n->inbox = domain;
		n->inbox_row = row;
	}
	return EMR_OK;
}

typedef struct walk {
	const emr_session *session;
	news *news;
	uint8_t person_pk[32];
} walk;

/* Not of this person, on whichever computer. */
static emr_status note_letter(void *arg, const emr_replica_change *change)
{
	walk *w = arg;
	bool is_own;

	if (change->op != EMR_OP_PUT || change->result != EMR_RESULT_APPLIED ||
		!emr_id16_equal(change->domain, w->news->inbox) ||
		emr_told_has(&w->news->letters, change->object))
		return EMR_OK;
	EMR_TRY(emr_signed_is_owner(w->session->replica, w->news->inbox_row.owner_pk, w->person_pk,
		change->signer_id, &is_own));
	return is_own ? EMR_OK
		      : emr_buf_append(&w->news->letters, &change->object, sizeof change->object);
}

static emr_status look_for_letters(const emr_visit *visit, news *n)
{
	walk w = {.session = visit->session, .news = n};

	if (emr_id16_is_zero(n->inbox))
		EMR_TRY(emr_replica_domains(visit->session->replica, note_inbox, n));
	if (emr_id16_is_zero(n->inbox) || n->walked >= visit->size)
		return EMR_OK;
	EMR_TRY(emr_keyring_person_pk(visit->session->keyring, w.person_pk));
	EMR_TRY(emr_replica_since(visit->session->replica, n->walked, note_letter, &w));
	n->walked = visit->size;
	return EMR_OK;
}

/* ---- telling ---- */

/* Of the letters only what the folder shows: deposits.h says what it does not. */
static emr_status list_letters(const emr_visit *visit, const news *n, list *out)
{
	for (size_t at = 0; at < n->letters.len; at += sizeof(emr_id16)) {
		EMR_AUTO_FREE char *path = NULL;
		emr_id16 object;
		emr_status status;

		memcpy(object.b, n->letters.data + at, sizeof object.b);
		status = emr_view_path_of_object(visit->session->view, object, &path);
		if (status == EMR_OK)
			name_one(out, path);
		else if (status != EMR_NOT_FOUND)
			return status;
	}
	return EMR_OK;
}

static void tell_list(const emr_visit *visit, const list *l, emr_message message, const char *place)
{
	char n[16];

	snprintf(n, sizeof n, "%zu", l->n);
	if (l->n > 0)
		emr_notices_add_that(visit->notices, l->n == 1 ? l->first : place, message, "n", n,
			"names", l->names, NULL);
}

static emr_status tell(const emr_visit *visit, news *n, const list *shares)
{
	list letters = {.of = n};

	EMR_TRY(list_letters(visit, n, &letters));
	tell_list(visit, shares, EMR_SAY_SHARED_ANEW, "shared-with-me");
	tell_list(visit, &letters, EMR_SAY_LETTERS, "Inbox");
	emr_buf_clear(&n->letters);
	n->waiting = 0;
	EMR_TRY(emr_buf_append(&n->told, shares->domains.data, shares->domains.len));
	return save(visit, n);
}

static emr_status look(emr_visit *visit, news *n, list *shares)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());
	size_t before = n->told.len, waiting;

	EMR_TRY(look_for_letters(visit, n));
	EMR_TRY(emr_view_each_shared_with_me(visit->session->view, note_share, shares));
	waiting = shares->n + n->letters.len / sizeof(emr_id16);
	if (waiting != n->waiting)
		n->since_boot_ns = n->has_looked ? now : now - QUIET_NS + OPENED_NS;
	n->waiting = waiting;
	n->has_looked = true;
	if (waiting > 0 && now - n->since_boot_ns >= QUIET_NS)
		return tell(visit, n, shares);
	if (waiting > 0)
		visit->due_boot_ns = n->since_boot_ns + QUIET_NS;
	else if (n->size != visit->size)
		visit->due_boot_ns = now + AGAIN_NS;
	n->size = visit->size;
	return n->told.len != before || !n->is_known ||
			       (waiting == 0 && n->walked - n->saved > ENTRIES_KEPT)
		       ? save(visit, n)
		       : EMR_OK;
}

emr_status emr_look_news(emr_visit *visit)
{
	news *n = visit->memory;
	list shares = {.n = 0};
	emr_status status = EMR_OK;

	if (n == NULL) {
		n = calloc(1, sizeof *n);
		status = n != NULL ? load(visit, n) : EMR_NO_MEMORY;
		if (status != EMR_OK) {
			emr_look_news_end(n);
			return status;
		}
		visit->memory = n;
	}
	shares.of = n;
	status = look(visit, n, &shares);
	emr_buf_free(&shares.domains);
	return status;
}
