/* Tests of received shares use this file: it opens the folder of a person with whom ana shares,
 * without a kernel, and waits for names and bytes as a program would. */
#include "shared_kit.h"

#include "ledger/network.h"

/* ---- life ---- */

static bool is_mine(void *arg, emr_id16 domain, emr_bytes d_row)
{
	return d_row.len >= 32 && emr_keyring_owns(arg, domain, d_row.data);
}

/* Several threads of a view tell at the same time. */
__attribute__((format(printf, 4, 5))) static void add_line(
	pthread_mutex_t *lock, char *text, size_t size, const char *format, ...)
{
	va_list values;
	size_t len;

	va_start(values, format);
	pthread_mutex_lock(lock);
	len = strlen(text);
	(void)vsnprintf(text + len, size - len, format, values);
	pthread_mutex_unlock(lock);
	va_end(values);
}

static void note(void *arg, const emr_shared_notice *n)
{
	viewer *v = arg;

	add_line(&v->lock, v->notices, sizeof v->notices, "%s %s missing=%u%s\n", n->id, n->path,
		n->missing_count, n->is_owner_missing ? "+owner" : "");
}

static void note_own(void *arg, const char *id, const char *path)
{
	viewer *v = arg;

	add_line(&v->lock, v->notices, sizeof v->notices, "%s %s\n", id, path);
}

static void changed(void *arg, uint64_t number, const char *name)
{
	viewer *v = arg;

	add_line(&v->lock, v->told, sizeof v->told, "%llu %s\n", (unsigned long long)number,
		name != NULL ? name : "*");
}

static int directory(const char *path, const char *name)
{
	char whole[700];
	int fd;

	(void)snprintf(whole, sizeof whole, "%s/%s", path, name);
	assert_true(mkdir(whole, 0700) == 0 || access(whole, W_OK) == 0);
	fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void open_ledger(viewer *v, emr_keyring *keyring)
{
	char path[400];
	emr_ledger_options ledger = {
		.path = path, .submitter = keyring, .clock = &v->s->k.clock.clock};
	emr_replica_options replica = {.state_dirfd = v->state_fd,
		.clock = &v->s->k.clock.clock,
		.is_mine = is_mine,
		.is_mine_arg = keyring};

	(void)snprintf(path, sizeof path, "%s/network", v->s->k.path);
	assert_ok(emr_ledger_open(&ledger, &v->ledger));
	replica.ledger = v->ledger;
	assert_ok(emr_replica_open(&replica, &v->replica));
}

static void open_store(viewer *v, emr_keyring *keyring)
{
	char path[400];
	emr_store_options store = {
		.path = path, .writer = emr_keyring_device_id(keyring), .no_background = true};
	emr_record_options records = {
		.keyring = keyring, .spill_dirfd = v->spill_fd, .workers = EMR_RECORD_NO_WORKERS};

	(void)snprintf(path, sizeof path, "%s/store", v->s->k.path);
	assert_ok(emr_store_open(&store, &v->store));
	assert_ok(emr_journal_open(v->store, keyring, &v->journal));
	records.store = emr_store_blocks(v->store);
	assert_ok(emr_record_ctx_new(&records, &v->records));
}

static void open_view(viewer *v, emr_keyring *keyring, const viewer_more *more)
{
	const emr_clock *clock = &v->s->k.clock.clock;
	const emr_share_options sharing = {
		.keyring = keyring, .ledger = v->ledger, .replica = v->replica, .clock = clock};
	EMR_AUTO_SHARE share = NULL;
	emr_settle_options settle = {.keyring = keyring,
		.journal = v->journal,
		.store = v->store,
		.records = v->records,
		.ledger = v->ledger,
		.replica = v->replica,
		.clock = clock};
	emr_view_options options = {.state_dirfd = v->state_fd,
		.keyring = keyring,
		.store = v->store,
		.journal = v->journal,
		.records = v->records,
		.ledger = v->ledger,
		.replica = v->replica,
		.clock = clock,
		.purpose = v->purpose,
		.changed = changed,
		.changed_arg = v,
		.shared_notice = note,
		.shared_notice_arg = v,
		.notice = note_own,
		.notice_arg = v,
		.fetcher = more != NULL ? more->fetcher : NULL,
		.look_at_copy = more != NULL ? more->look_at_copy : NULL,
		.look_at_copy_arg = more != NULL ? more->look_at_copy_arg : NULL};

	assert_ok(emr_facts_new(keyring, v->replica, v->records, &v->facts));
	settle.facts = options.facts = v->facts;
	assert_ok(emr_settle_new(&settle, &v->settle));
	options.settle = v->settle;
	assert_ok(emr_share_new(&sharing, &share));
	(void)begins(share); /* as a session, and emrfs init */
	(void)!emr_settle_catch_up(v->settle, true);
	assert_ok(emr_view_initialise(&options));
	assert_ok(emr_view_open(&options, &v->view));
}

void viewer_open_with(viewer *v, story *s, const person *who, const char *name, uint8_t purpose,
	const viewer_more *more)
{
	char path[400];

	memset(v, 0, sizeof *v);
	pthread_mutex_init(&v->lock, NULL);
	v->s = s;
	v->purpose = purpose;
	(void)snprintf(path, sizeof path, "%s/%s", s->k.path, name);
	v->state_fd = directory(s->k.path, name);
	v->spill_fd = directory(path, "spill");
	open_ledger(v, who->keyring);
	open_store(v, who->keyring);
	open_view(v, who->keyring, more);
	(void)snprintf(v->owner, sizeof v->owner, "shared-with-me/nobody");
}

void viewer_open(viewer *v, story *s, const person *who, const char *name, uint8_t purpose)
{
	viewer_open_with(v, s, who, name, purpose, NULL);
}

void viewer_close(viewer *v)
{
	emr_view_free(v->view);
	emr_settle_free(v->settle);
	emr_facts_free(v->facts);
	emr_record_ctx_free(v->records);
	emr_replica_close(v->replica);
	emr_ledger_close(v->ledger);
	emr_journal_close(v->journal);
	emr_store_close(v->store);
	(void)close(v->spill_fd);
	(void)close(v->state_fd);
	pthread_mutex_destroy(&v->lock);
}

/* ---- waiting ---- */

void viewer_ready(void *arg, emr_status status)
{
	reply *a = arg;

	assert_false(a->has_come);
	*a = (reply){true, status};
}

void viewer_run(viewer *v, story_fn answer, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		emr_view_shared_turn(v->view, NULL);
		if (answer != NULL)
			answer(v->s);
	}
	emr_view_shared_turn(v->view, NULL);
}

/* Waits as a request does: until it is answered, or ten seconds are over. */
static emr_status wait_for(
	viewer *v, uint64_t node, emr_need need, const char *name, story_fn answers)
{
	reply a = {false, EMR_OK};
	emr_status status = emr_view_await(v->view, node, need, name, viewer_ready, &a);

	if (status != EMR_BUSY)
		return status;
	assert_status(EMR_BUSY, emr_view_await(v->view, node, need, name, NULL, NULL));
	viewer_run(v, answers, 4);
	if (!a.has_come) {
		story_pass(v->s, 10);
		emr_view_shared_turn(v->view, NULL);
	}
	assert_true(a.has_come);
	return a.status;
}

emr_status viewer_find(viewer *v, const char *path, story_fn answer, emr_attr *out_attr)
{
	char copy[700], *rest = copy, *name;
	emr_status status = emr_view_attr(v->view, EMR_ROOT_NODE, out_attr);

	(void)snprintf(copy, sizeof copy, "%s", path);
	while (status == EMR_OK && (name = strsep(&rest, "/")) != NULL) {
		if (*name == 0)
			continue;
		status = wait_for(v, out_attr->node, EMR_NEED_NAMES, name, answer);
		if (status == EMR_OK)
			status = emr_view_lookup(v->view, out_attr->node, name, out_attr);
	}
	return status;
}

emr_status viewer_wait(viewer *v, uint64_t node, emr_need need, story_fn answer)
{
	return wait_for(v, node, need, NULL, answer);
}

static char text[16384];

static bool add_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	size_t len = strlen(text);

	(void)arg;
	(void)attr;
	(void)next;
	if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		(void)snprintf(text + len, sizeof text - len, "%s%s", len > 0 ? "," : "", name);
	return true;
}

static const char *failed(emr_status status)
{
	(void)snprintf(text, sizeof text, "!%s", emr_status_text(status));
	return text;
}

const char *viewer_list(viewer *v, const char *path, story_fn answer)
{
	emr_attr attr;
	emr_status status = viewer_find(v, path, answer, &attr);

	if (status == EMR_OK)
		status = wait_for(v, attr.node, EMR_NEED_NAMES, NULL, answer);
	text[0] = 0;
	if (status == EMR_OK)
		status = emr_view_each_entry(v->view, attr.node, 0, false, add_name, NULL);
	return status == EMR_OK ? text : failed(status);
}

emr_status viewer_open_file(viewer *v, const char *path, story_fn answer, emr_handle **out_handle)
{
	emr_attr attr;
	emr_status status = viewer_find(v, path, answer, &attr);

	if (status == EMR_OK)
		status = emr_view_open_file(v->view, attr.node, O_RDONLY, out_handle);
	if (status != EMR_BUSY)
		return status;
	status = wait_for(v, attr.node, EMR_NEED_BYTES, NULL, answer);
	return status == EMR_OK ? emr_view_open_file(v->view, attr.node, O_RDONLY, out_handle)
				: status;
}

const char *viewer_text(viewer *v, const char *path, story_fn answer)
{
	emr_handle *h = NULL;
	size_t got = 0;
	emr_status status = viewer_open_file(v, path, answer, &h);

	if (status == EMR_OK) {
		status = emr_view_read(h, 0, text, sizeof text - 1, &got);
		text[got] = 0;
		emr_view_release(h);
	}
	return status == EMR_OK ? text : failed(status);
}

const char *viewer_attribute(viewer *v, const char *path, const char *name)
{
	EMR_AUTO_BUF value = {0};
	emr_attr attr;
	emr_status status = viewer_find(v, path, NULL, &attr);

	if (status == EMR_OK)
		status = emr_view_get_attribute(v->view, attr.node, name, &value);
	if (status != EMR_OK)
		return failed(status);
	assert_true(value.len < sizeof text);
	memcpy(text, value.data, value.len);
	text[value.len] = 0;
	return text;
}

const char *viewer_at(const viewer *v, const char *inside)
{
	static char path[700];

	(void)snprintf(path, sizeof path, "%s/%s", v->owner, inside);
	return path;
}

static void learn(viewer *v, const char *says)
{
	(void)snprintf(v->owner, sizeof v->owner, "shared-with-me/%s",
		viewer_list(v, "shared-with-me", NULL));
	assert_null(strstr(v->owner, "Ana")); /* what viewers remember does not say that */
	assert_non_null(strstr(viewer_attribute(v, v->owner, "user.emrfs.patient"), says));
}

void viewer_learn_owner(viewer *v)
{
	learn(v, "[Silva, Ana 1984-03-12]");
}

void viewer_learn(viewer *v)
{
	learn(v, "Ana");
}

void viewer_reads(viewer *v, const char *inside, story_fn answer, const char *wanted)
{
	assert_string_equal(viewer_text(v, viewer_at(v, inside), answer), wanted);
}

void viewer_lists(viewer *v, const char *inside, story_fn answer, const char *wanted)
{
	assert_string_equal(viewer_list(v, viewer_at(v, inside), answer), wanted);
}

void viewer_begin(viewer *v, story *s)
{
	assert_ok(emr_store_index_now(s->k.stack.store));
	viewer_open(v, s, &s->lima, "lima-folder", CONSULT);
}

void viewer_end(story *s, viewer *v)
{
	viewer_close(v);
	story_end(s);
}

/* ---- ana's side ---- */

emr_id16 ana_makes_domain(story *s, const char *path)
{
	emr_id16 domain;

	assert_ok(emr_view_make_domain(s->k.view, path, &domain));
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s->k);
	return domain;
}

void ana_shares_domain(story *s, emr_id16 domain, const char *label)
{
	emr_grant_order order = {.domain = domain,
		.grantee = s->lima.public.signer_id,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(s) + 7 * DAY,
		.label = label,
		.owner_name = "Silva, Ana",
		.owner_born = "1984-03-12"};
	emr_grant_made made;

	assert_ok(emr_share_grant(begins(s->ana), &order, &made));
}
