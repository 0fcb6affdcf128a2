/* By putting a folder into a dataset an owner lets in every reader whom its steward admits, now and
 * later. This part of the office's thread tells the owner of each of them, also of one who came and
 * went while the folder was closed: no reader is admitted quietly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "contract/codes.h"
#include "kit/json.h"
#include "kit/language.h"
#include "keyring/sealed.h"
#include "org/datasets.h"
#include "sharing/copies.h"
#include "sharing/office_looks.h"
#include "sharing/shares.h"

#define EMR_STATE_READERS "readers"
/* Sealed, of: u16 n, n of {dataset (the first 16 bytes of SHA-256 of its terms), first key of the
 * reader [32]}; padded with zeros to a multiple of 4,096.  The oldest go. */
#define KEY_BYTES 48
#define KEYS_MAX 2000
#define PAGE_BYTES 4096
#define NAMES_MAX 5 /* of one notice: who is not named in it is in one that comes later */
#define NEXT_NS INT64_C(60000000000)

static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'P', 'R', 1, 0, 0, 0};

/* Whom she was told of. */
typedef struct told {
	emr_buf keys;
	bool has_changed;
	bool has_left; /* somebody, who was not named yet */
} told;

/* ---- the file ---- */

static emr_status load(const emr_session *session, told *out)
{
	EMR_AUTO_BUF plain = {0};
	emr_status status = emr_sealed_load(session->keyring, session->state_fd, EMR_STATE_READERS,
		head, 2 + (size_t)KEYS_MAX * KEY_BYTES + PAGE_BYTES, &plain);
	emr_reader r = emr_reader_of(emr_buf_view(&plain));
	size_t n;

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	n = emr_read_u16(&r);
	if (r.bad || n > KEYS_MAX || r.left < n * KEY_BYTES)
		return EMR_DAMAGED;
	return emr_buf_append(&out->keys, plain.data + 2, n * KEY_BYTES);
}

static emr_status save(const emr_session *session, const told *t)
{
	EMR_AUTO_BUF plain = {0};
	emr_writer w = emr_writer_of(&plain);
	size_t n = t->keys.len / KEY_BYTES, from = n > KEYS_MAX ? n - KEYS_MAX : 0;

	emr_write_u16(&w, (uint16_t)(n - from));
	emr_write_bytes(&w, t->keys.data + from * KEY_BYTES, (n - from) * KEY_BYTES);
	emr_write_zeros(&w, PAGE_BYTES - plain.len % PAGE_BYTES);
	return w.status == EMR_OK ? emr_sealed_save(session->keyring, session->state_fd,
					    EMR_STATE_READERS, head, emr_buf_view(&plain))
				  : w.status;
}

/* ---- one dataset ---- */

typedef struct telling {
	told *told;
	uint8_t key[KEY_BYTES]; /* its dataset is set */
	char names[EMR_WHO_TEXT_BYTES];
	bool has_more; /* than NAMES says, and it says so */
	size_t n;      /* that are new */
} telling;

#define WORDS_BYTES 120 /* between the parts of a name and behind it, in any language */
/* So the first one of a notice has room, whatever he is called: nobody is too long to be told of.
 */
_Static_assert(sizeof((emr_who *)0)->name + sizeof((emr_who *)0)->organisation +
			       sizeof((emr_who *)0)->says + WORDS_BYTES <=
		       EMR_WHO_TEXT_BYTES,
	"one name has room in a notice");

/* Where one has no room behind the others, it is said that there are more. */
static void name_reader(telling *t, const json_t *reader, bool is_former)
{
	char who[EMR_WHO_TEXT_BYTES];
	const char *then = is_former ? _(" (who reads no more)") : "", *more = "; ...";
	size_t at = strlen(t->names);

	if (t->has_more)
		return;
	emr_who_json_text(reader, "", who, sizeof who);
	t->has_more = t->n > NAMES_MAX ||
		      at + 2 + strlen(who) + strlen(then) + strlen(more) >= sizeof t->names;
	if (t->has_more)
		snprintf(t->names + at, sizeof t->names - at, "%s", more);
	else
		snprintf(t->names + at, sizeof t->names - at, "%s%s%s", at > 0 ? "; " : "", who,
			then);
}

static emr_status note_reader(telling *t, const json_t *reader, bool is_former)
{
	if (emr_unhex(emr_json_text_at(reader, "id"), t->key + 16, 32) != EMR_OK)
		return EMR_DAMAGED;
	if (emr_buf_has(&t->told->keys, emr_bytes_of(t->key, KEY_BYTES)))
		return EMR_OK;
	t->n++;
	name_reader(t, reader, is_former);
	if (t->has_more) {
		t->told->has_left = true;
		return EMR_OK;
	}
	t->told->has_changed = true;
	return emr_buf_append(&t->told->keys, t->key, KEY_BYTES);
}

/* Also when it was closed meanwhile: whoever was let in before could read. */
static emr_status tell_of(
	const emr_visit *visit, emr_crowd *crowd, const emr_share_row *row, telling *t)
{
	const char *called = strchr(row->who.called, ':');
	json_t *lists[2] = {json_array(), json_array()}; /* readers, former */
	bool is_reader = false;
	emr_team dataset;
	emr_status status = lists[0] != NULL && lists[1] != NULL
				    ? emr_team_of_grantee(crowd->replica, row->who.root, &dataset)
				    : EMR_NO_MEMORY;
	bool is_dataset = status == EMR_OK;

	if (is_dataset) {
		memcpy(t->key, emr_copies_dataset_id(&dataset).b, 16);
		status = emr_dataset_readers(crowd, &dataset, emr_session_root(visit->session),
			lists[0], lists[1], &is_reader);
	}
	for (int former = 0; former < 2; former++)
		for (size_t i = 0; i < json_array_size(lists[former]) && status == EMR_OK; i++)
			status = note_reader(t, json_array_get(lists[former], i), former);
	json_decref(lists[0]);
	json_decref(lists[1]);
	if (status != EMR_OK || t->n == 0 || called == NULL)
		return status == EMR_NOT_FOUND && !is_dataset ? EMR_OK : status;
	emr_notices_add_that(visit->notices, row->path, EMR_SAY_READER_ADMITTED, "names", t->names,
		"dataset", called + 1, "path", row->path, NULL);
	return EMR_OK;
}

static emr_status look_at_datasets(const emr_visit *visit, told *t)
{
	EMR_AUTO_SHARES rows = {0};
	EMR_AUTO_CROWD crowd = {0};
	EMR_AUTO_FREE telling *one = calloc(1, sizeof *one);

	t->has_left = false;
	EMR_TRY(one != NULL ? emr_crowd_open(visit->session, &crowd) : EMR_NO_MEMORY);
	EMR_TRY(emr_shares_collect(visit->session, &crowd, NULL, 0, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		if (!rows.list[i].who.is_dataset || rows.list[i].state != EMR_SHARE_CONFIRMED)
			continue;
		*one = (telling){.told = t};
		EMR_TRY(tell_of(visit, &crowd, &rows.list[i], one));
	}
	if (t->has_changed)
		EMR_TRY(save(visit->session, t));
	t->has_changed = false;
	return EMR_OK;
}

/* Somebody was admitted, or a folder was put in. */
static bool is_of_readers(const emr_replica_change *change)
{
	return change->family == EMR_FAMILY_MEMBER || change->family == EMR_FAMILY_DATASET ||
	       change->op == EMR_OP_DATASET_JOIN;
}

emr_status emr_look_readers(emr_visit *visit)
{
	const told *before = visit->memory;
	bool sees = true;
	emr_status status = before == NULL || before->has_left
				    ? EMR_OK
				    : emr_visit_sees(visit, is_of_readers, &sees);

	if (status != EMR_OK || !sees)
		return status;
	if (visit->session->read_only || visit->notices == NULL ||
		emr_keyring_kind_of(visit->session->keyring) == EMR_KEYRING_DEVICE)
		return EMR_OK;
	if (visit->memory == NULL) {
		told *t = calloc(1, sizeof *t);

		status = t != NULL ? load(visit->session, t) : EMR_NO_MEMORY;
		if (status != EMR_OK) {
			emr_look_readers_end(t);
			return status;
		}
		visit->memory = t;
	}
	EMR_TRY(look_at_datasets(visit, visit->memory));
	before = visit->memory;
	if (before->has_left)
		visit->due_boot_ns = emr_clock_boot_ns(emr_clock_system()) + NEXT_NS;
	return EMR_OK;
}

void emr_look_readers_end(void *memory)
{
	told *t = memory;

	if (t != NULL)
		emr_buf_free(&t->keys);
	free(t);
}
