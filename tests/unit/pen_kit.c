/* Tests of writers use this file: it is one person who writes in somebody else's folder, change
 * by change, also with descriptions that are lies. */
#include "pen_kit.h"

#include "record/staging.h"

static void open_all(pen *p)
{
	const emr_store_options store = {.path = p->path,
		.writer = emr_keyring_device_id(p->m->keyring),
		.no_background = true};
	emr_settle_options settle = {.keyring = p->m->keyring,
		.records = p->m->records,
		.ledger = p->m->ledger,
		.replica = p->m->replica,
		.clock = &p->s->k.clock.clock};

	assert_ok(emr_store_open(&store, &p->store));
	assert_ok(emr_journal_open(p->store, p->m->keyring, &p->journal));
	assert_ok(emr_facts_new(p->m->keyring, p->m->replica, p->m->records, &p->facts));
	settle.journal = p->journal;
	settle.store = p->store;
	settle.facts = p->facts;
	assert_ok(emr_settle_new(&settle, &p->settle));
}

void pen_open(story *s, pen *p, person *m, const char *name)
{
	*p = (pen){.s = s, .m = m};
	(void)snprintf(p->path, sizeof p->path, "%s/%s-pen", s->k.path, name);
	assert_int_equal(mkdir(p->path, 0700), 0);
	open_all(p);
}

emr_grant_made pen_writes(story *s, pen *p, person *m, const char *name)
{
	emr_grant_made made = story_lets_write(s, m, true);

	pen_open(s, p, m, name);
	story_see(m);
	return made;
}

void pen_close(pen *p)
{
	emr_settle_free(p->settle);
	emr_facts_free(p->facts);
	emr_journal_close(p->journal);
	emr_store_close(p->store);
}

void pen_restart(pen *p)
{
	pen_close(p);
	open_all(p);
}

static emr_status note(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n)
{
	pen *p = arg;

	p->outcomes += n;
	if (n > 0)
		p->last = outcomes[n - 1];
	return emr_journal_commit(txn, NULL);
}

void pen_resend(pen *p)
{
	p->outcomes = 0;
	(void)!emr_settle_catch_up(p->settle, true);
	p->status = emr_settle_resend(p->settle, note, p);
}

static void publish(pen *p, const emr_change *change)
{
	p->outcomes = 0;
	p->last = (emr_change_outcome){.result = 255};
	(void)!emr_settle_catch_up(p->settle, true);
	p->status = emr_settle_publish(p->settle, change, 1, note, p);
}

static emr_meta meta_of(const pen *p, emr_meta_type type, const char *name, emr_id16 parent)
{
	emr_meta meta = {.type = type,
		.mode = 0755, /* a program, by his word */
		.mtime_ns = p->s->k.clock.unix_ns,
		.parent = parent,
		.name = emr_bytes_of(name, strlen(name))};
	emr_id32 r_pid = emr_id32_random();

	memcpy(meta.r_pid, r_pid.b, sizeof meta.r_pid);
	return meta;
}

static emr_content content_of(pen *p, const char *text)
{
	emr_staging *staging;
	emr_content_key *key;
	emr_content content;

	assert_ok(emr_staging_new(p->m->records, emr_id16_random(), NULL, 0, &staging));
	assert_ok(emr_staging_write(staging, 0, text, strlen(text)));
	assert_ok(emr_staging_freeze(staging, &content, &key));
	emr_content_key_free(key);
	emr_staging_discard(staging);
	return content;
}

static void put_as(pen *p, emr_change *change, const emr_meta *meta, const char *text)
{
	emr_content content = content_of(p, text);

	change->kind = EMR_CHANGE_PUT;
	change->node = change->object;
	change->meta = meta;
	change->content = &content;
	publish(p, change);
}

static void put(pen *p, emr_change *change, emr_id16 parent, const char *name, const char *text)
{
	emr_meta meta = meta_of(p, EMR_META_FILE, name, parent);

	meta.n = p->says_n != 0 ? p->says_n : strlen(text);
	put_as(p, change, &meta, text);
}

void pen_file(
	pen *p, emr_id16 domain, emr_id16 parent, const char *name, const char *text, emr_id16 *out)
{
	emr_id16 object = emr_id16_random();
	emr_change change = {.domain = domain, .object = object, .record_id = object, .cver = 1};

	put(p, &change, parent, name, text);
	if (out != NULL)
		*out = object;
}

void pen_deposit(pen *p, emr_id16 domain, emr_bytes card, const char *name, const char *text)
{
	emr_id16 object = emr_id16_random();
	emr_change change = {.domain = domain,
		.object = object,
		.record_id = object,
		.cver = 1,
		.owner_card = card};

	put(p, &change, domain, name, text);
}

static void describe(pen *p, const emr_meta *meta, emr_id16 domain, emr_id16 object)
{
	const emr_change change = {.kind = EMR_CHANGE_META,
		.domain = domain,
		.object = object,
		.node = object,
		.meta = meta};

	publish(p, &change);
}

void pen_dir(pen *p, emr_id16 domain, emr_id16 parent, const char *name, emr_id16 *out)
{
	emr_meta meta = meta_of(p, EMR_META_DIR, name, parent);
	emr_id16 object = emr_id16_random();

	describe(p, &meta, domain, object);
	if (out != NULL)
		*out = object;
}

void pen_rename(
	pen *p, const emr_shared_record *record, emr_id16 domain, emr_id16 parent, const char *name)
{
	emr_meta meta = *record->meta;

	meta.parent = parent;
	meta.name = emr_bytes_of(name, strlen(name));
	describe(p, &meta, domain, record->object);
}

void pen_move(pen *p, const emr_place *from, emr_id16 domain, emr_id16 parent, const char *name)
{
	emr_meta meta = meta_of(p, EMR_META_FILE, name, parent);
	emr_id16 object = emr_id16_random();
	const emr_change change = {.kind = EMR_CHANGE_REWRAP,
		.domain = domain,
		.object = object,
		.node = object,
		.record_id = from->record_id,
		.cver = from->cver,
		.from = from,
		.meta = &meta};

	meta.n = p->says_n;
	memcpy(meta.r_pid, from->r_pid, sizeof meta.r_pid);
	publish(p, &change);
}

void pen_rename_blindly(pen *p, emr_id16 domain, emr_id16 object, emr_id16 parent, const char *name)
{
	emr_meta meta = meta_of(p, EMR_META_FILE, name, parent);

	describe(p, &meta, domain, object);
}

void pen_unlink(pen *p, emr_id16 domain, emr_id16 object)
{
	const emr_change change = {
		.kind = EMR_CHANGE_UNLINK, .domain = domain, .object = object, .node = object};

	publish(p, &change);
}

void pen_over(pen *p, const emr_place *at, emr_id16 parent, const char *name, const char *text)
{
	emr_meta meta = meta_of(p, EMR_META_FILE, name, parent);

	memcpy(meta.r_pid, at->r_pid, sizeof meta.r_pid);
	pen_claim(p, at, &meta, text, false);
}

void pen_claim(
	pen *p, const emr_place *at, const emr_meta *claimed, const char *text, bool is_lying)
{
	emr_change change = {.domain = at->domain,
		.object = at->object,
		.record_id = at->record_id,
		.cver = at->cver};
	emr_meta meta = *claimed;

	if (!is_lying)
		meta.n = p->says_n != 0 ? p->says_n : strlen(text);
	put_as(p, &change, &meta, text);
}

void pen_describe(pen *p, emr_meta_type type, emr_id16 domain, emr_id16 object, emr_id16 parent,
	const char *name)
{
	emr_meta meta = meta_of(p, type, name, parent);

	meta.mode |= 04000;
	describe(p, &meta, domain, object);
}

void pen_describe_as_link(pen *p, emr_id16 domain, emr_id16 object, emr_id16 parent,
	const char *name, const char *target)
{
	emr_meta meta = meta_of(p, EMR_META_SYMLINK, name, parent);

	meta.target = emr_bytes_of(target, strlen(target));
	describe(p, &meta, domain, object);
}

void pen_link(pen *p, emr_id16 domain, emr_id16 parent, const char *name, const char *target,
	emr_id16 *out)
{
	emr_id16 object = emr_id16_random();

	pen_describe_as_link(p, domain, object, parent, name, target);
	if (out != NULL)
		*out = object;
}

size_t pen_live_in(const story *s, emr_id16 domain)
{
	emr_replica_head head;
	size_t n = 0;

	EMR_ASK(asked, s->k.stack.replica, HEADS, .domain = domain);
	while (emr_next(&asked, &head))
		n += head.state == EMR_OBJECT_LIVE;
	assert_ok(asked.status);
	return n;
}

emr_status pen_owner_reads(story *s, const char *path)
{
	emr_handle *h = kit_open_file(&s->k, path, O_RDONLY);
	char text[64];
	size_t got;
	emr_status status = emr_view_read(h, 0, text, sizeof text, &got);

	emr_view_release(h);
	return status;
}
