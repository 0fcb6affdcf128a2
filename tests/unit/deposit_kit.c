/* Tests of the Inbox use this file: it lets dr lima, a clinician, leave records in ana's Inbox,
 * with true and with false claims about them. */
#include "deposit_kit.h"

#include <time.h>

#include "contract/codes.h"
#include "keyring/card.h"

#include "deposits.h"
#include "tree.h"

void depositor_open(depositor *d, story *s)
{
	memset(d, 0, sizeof *d);
	kit_wait_for_noon(&s->k);
	assert_ok(emr_store_index_now(s->k.stack.store));
	viewer_open(&d->v, s, &s->lima, "lima-folder", CONSULT);
	assert_ok(domains_inbox(s->k.view, &d->inbox));
	assert_false(emr_id16_is_zero(d->inbox));
	assert_ok(emr_card_make_domain(s->k.stack.keyring, emr_ledger_net_id(s->k.stack.ledger),
		d->inbox, 1, 1, story_now(s), story_now(s) + 400 * DAY, "", "", &d->card));
}

void depositor_close(depositor *d)
{
	viewer_close(&d->v);
	emr_buf_free(&d->card);
	emr_content_key_free(d->key);
}

void deposit_end(story *s, depositor *d)
{
	depositor_close(d);
	story_end(s);
}

static emr_content content_of(depositor *d, const char *text)
{
	emr_staging *staging;
	emr_content content;

	emr_content_key_free(d->key);
	assert_ok(emr_staging_new(d->v.records, emr_id16_random(), NULL, 0, &staging));
	assert_ok(emr_staging_write(staging, 0, text, strlen(text)));
	assert_ok(emr_staging_freeze(staging, &content, &d->key));
	d->content = content;
	emr_staging_discard(staging);
	return content;
}

static emr_status take_outcome(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n)
{
	emr_change_outcome *out = arg;
	uint64_t seq;

	assert_int_equal(n, 1);
	*out = outcomes[0];
	return emr_journal_commit(txn, &seq);
}

int deposit_try(depositor *d, const leaving *what, emr_place *out)
{
	emr_content content = content_of(d, what->text);
	EMR_AUTO_BUF attributes = {0};
	emr_change_outcome outcome = {.error = EMR_NOT_FOUND};
	emr_meta meta = {.type = what->type != 0 ? what->type : EMR_META_FILE,
		.mode = what->mode != 0 ? what->mode : 0600,
		.n = what->type == EMR_META_FILE || what->type == 0 ? strlen(what->text) : 0,
		.mtime_ns = d->v.s->k.clock.unix_ns,
		.parent = emr_id16_is_zero(what->parent) ? d->inbox : what->parent,
		.target = what->type == EMR_META_SYMLINK ? emr_bytes_of("/etc/passwd", 11)
							 : (emr_bytes){0},
		.name = emr_bytes_of(
			what->name, what->name_len != 0 ? what->name_len : strlen(what->name))};
	emr_change change = {.kind = EMR_CHANGE_PUT,
		.domain = d->inbox,
		.object = emr_id16_is_zero(what->object) ? emr_id16_random() : what->object,
		.cver = what->cver != 0 ? what->cver : 1,
		.meta = &meta,
		.content = &content,
		.owner_card = emr_buf_view(&d->card),
		.amends = what->amends};

	if (what->lies)
		content.root[0] ^= 1;
	if (what->attribute != NULL) {
		assert_ok(emr_xattr_change((emr_bytes){0},
			emr_bytes_of(what->attribute, strlen(what->attribute)),
			emr_bytes_of("1", 1), false, &attributes, &meta.xattr_count));
		meta.xattrs = emr_buf_view(&attributes);
	}
	memcpy(meta.r_pid, emr_id32_random().b, sizeof meta.r_pid);
	change.record_id = emr_id16_is_zero(what->record_id) ? change.object : what->record_id;
	change.node = change.object;
	(void)!emr_settle_catch_up(d->v.settle, true);
	assert_ok(emr_settle_publish(d->v.settle, &change, 1, take_outcome, &outcome));
	if (outcome.error != EMR_OK)
		return 1000 + outcome.error;
	if (out != NULL)
		*out = outcome.place;
	return outcome.result;
}

emr_place deposit(depositor *d, const char *name, const char *text)
{
	const leaving what = {.name = name, .text = text};
	emr_place place;

	assert_int_equal(deposit_try(d, &what, &place), EMR_RESULT_APPLIED);
	return place;
}

void deposits_arrive(story *s)
{
	for (int i = 0; i < 3; i++)
		kit_publish_all(&s->k);
}

typedef struct listing {
	char names[20][EMR_NAME_MAX + 1];
	size_t n;
} listing;

static bool note_name(void *arg, const char *name, const emr_attr *attr, uint64_t cookie)
{
	listing *l = arg;

	(void)attr;
	(void)cookie;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	assert_true(l->n < 20);
	(void)snprintf(l->names[l->n++], EMR_NAME_MAX + 1, "%s", name);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

const char *deposits_list(story *s, const char *path)
{
	static char text[4096];
	listing l = {.n = 0};
	size_t len = 0;

	text[0] = '\0';
	if (!kit_exists(&s->k, path))
		return "!";
	assert_ok(emr_view_each_entry(
		s->k.view, kit_attr(&s->k, path).node, 0, false, note_name, &l));
	qsort(l.names, l.n, sizeof l.names[0], by_name);
	for (size_t i = 0; i < l.n; i++)
		len += (size_t)snprintf(
			text + len, sizeof text - len, "%s%s", i > 0 ? "," : "", l.names[i]);
	return text;
}

const char *deposits_today(const story *s)
{
	static char path[64];
	time_t now = (time_t)story_now(s);
	struct tm local;

	localtime_r(&now, &local);
	strftime(path, sizeof path, "Inbox/org0/%Y-%m-%d", &local);
	return path;
}

const char *deposits_path(const story *s, const char *name)
{
	static char path[400];

	(void)snprintf(path, sizeof path, "%s/%s", deposits_today(s), name);
	return path;
}
