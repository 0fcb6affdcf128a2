/* These tests are about the door in front of the ledger: it is closed in every way in which a file
 * can be gone or be another one, and opened again; and about a replica meanwhile. */
#include <pthread.h>
#include <sqlite3.h>

#include "ledger/backend.h"
#include "ledger_kit.h"

static kit k;
static kit_domain domain;
static emr_buf descriptor;

static emr_status known(void *arg, emr_buf *out)
{
	(void)arg;
	return descriptor.len > 0 ? emr_buf_append(out, descriptor.data, descriptor.len)
				  : EMR_NOT_FOUND;
}

/* The host itself, counted, and held up where a test has closed the gate. */
static int opened;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static emr_status host(const emr_ledger_options *options, int wake_fd, emr_ledger **out_ledger)
{
	__atomic_add_fetch(&opened, 1, __ATOMIC_SEQ_CST);
	(void)pthread_mutex_lock(&gate);
	(void)pthread_mutex_unlock(&gate);
	return emr_embedded_open_woken(options, wake_fd, out_ledger);
}

static emr_status open_door(emr_ledger **out_ledger)
{
	emr_ledger_options options = {.path = k.network,
		.submitter = k.keyring,
		.clock = &k.clock.clock,
		.known = known,
		.host = host};

	return emr_ledger_open(&options, out_ledger);
}

static void later(void)
{
	k.clock.boot_ns += INT64_C(2000000000);
	k.clock.unix_ns += INT64_C(2000000000);
}

static void path_of(char *out, size_t size, const char *name)
{
	(void)snprintf(out, size, "%s/%s", k.network, name);
}

static void move(const char *from, const char *to)
{
	char a[200], b[200];

	path_of(a, sizeof a, from);
	path_of(b, sizeof b, to);
	assert_int_equal(rename(a, b), 0);
}

AROUND(begin)
{
	emr_bytes own;

	kit_new(&k);
	domain = kit_domain_new(&k);
	own = emr_ledger_descriptor(k.ledger);
	assert_ok(emr_buf_append(&descriptor, own.data, own.len));
	emr_ledger_close(k.ledger);
	k.ledger = NULL;
}

AROUND(end)
{
	emr_buf_free(&descriptor);
	kit_end(&k);
}

static emr_status status_now(void)
{
	emr_ledger_absence absence;

	emr_ledger_look(k.ledger, &absence);
	assert_int_equal(absence.status != EMR_OK, absence.since_unix_s != 0);
	return absence.status;
}

static emr_status no_entry(void *arg, const emr_ledger_entry *entry)
{
	(void)arg;
	(void)entry;
	fail_msg("an entry of a ledger that is away");
	return EMR_OK;
}

static emr_status no_part(void *arg, size_t index, emr_bytes part)
{
	(void)arg;
	(void)index;
	(void)part;
	fail_msg("a part of a ledger that is away");
	return EMR_OK;
}

/* ---- */

TEST_IN(begin, end, every_question_is_answered_by_why_nobody_is_there)
{
	EMR_AUTO_BATCH b = NULL;
	emr_ledger_answer answer = {.batch_id = {{1}}};
	emr_ledger_trouble trouble;
	emr_ledger_path path;
	emr_part_key key = {.family = 0x20, .version = 1};
	EMR_AUTO_BUF note = {0};
	EMR_AUTO_BUF batch = {0};
	uint8_t root[32];
	uint64_t n = 77;
	uint16_t index;
	size_t given = 7;

	move("ledger.sqlite", "aside");
	assert_ok(open_door(&k.ledger));
	assert_true(emr_id16_equal(emr_ledger_net_id(k.ledger), k.net_id));
	b = kit_batch(&k, domain.id);
	(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &batch);
	assert_status(EMR_OFFLINE, emr_ledger_submit(k.ledger, emr_buf_view(&batch), &answer));
	assert_status(EMR_OFFLINE, emr_ledger_size(k.ledger, &n));
	assert_int_equal(n, 77);
	assert_status(EMR_OFFLINE, emr_ledger_entries(k.ledger, 0, 9, no_entry, NULL, &given));
	assert_int_equal(given, 0);
	assert_status(EMR_OFFLINE, emr_ledger_fetch(k.ledger, &key, 1, no_part, NULL));
	assert_status(EMR_OFFLINE, emr_ledger_find_item(k.ledger, answer.batch_id, &n, &index));
	assert_status(EMR_OFFLINE, emr_ledger_root(k.ledger, 1, root));
	assert_status(EMR_OFFLINE, emr_ledger_inclusion(k.ledger, 0, 1, &path));
	assert_status(EMR_OFFLINE, emr_ledger_checkpoint(k.ledger, &note));
	assert_status(EMR_OFFLINE, emr_ledger_verify(k.ledger, &trouble));
	assert_status(EMR_OFFLINE, emr_ledger_wait(k.ledger, 0, 0, &n));
	assert_status(EMR_OFFLINE, status_now());
}

/* The ledger of another network under the right name: at the door, and later in its place. */
TEST_IN(begin, end, another_ledger_is_never_let_in)
{
	char ours[200], theirs[200];
	emr_bytes bytes;
	uint64_t size;

	SCENE(kit, other, kit_new, kit_end);
	(void)kit_domain_new(&other);
	emr_ledger_close(other.ledger);
	other.ledger = NULL;
	assert_ok(open_door(&k.ledger));
	(void)snprintf(ours, sizeof ours, "%s.ours", k.network);
	(void)snprintf(theirs, sizeof theirs, "%s", other.network);
	assert_int_equal(rename(k.network, ours), 0);
	assert_int_equal(rename(theirs, k.network), 0);
	assert_status(EMR_OFFLINE, emr_ledger_size(k.ledger, &size));
	later();
	assert_status(EMR_FORK, emr_ledger_size(k.ledger, &size));
	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	{
		emr_id32 hash = {{1}};
		emr_ledger_options options = {.path = k.network,
			.clock = &k.clock.clock,
			.known = known,
			.known_hash = &hash};
		/* The known hash is not what it should be either: nothing to go on with. */
		assert_status(EMR_FORK, emr_ledger_open(&options, &k.ledger));
	}
	assert_int_equal(rename(k.network, theirs), 0);
	assert_int_equal(rename(ours, k.network), 0);
	bytes = emr_buf_view(&descriptor);
	assert_ok(open_door(&k.ledger));
	assert_true(emr_bytes_equal(bytes, emr_ledger_descriptor(k.ledger)));
}

/* ---- Waking, as a signal handler may do it: whoever it has interrupted may hold any lock ---- */

static _Thread_local bool is_waking;
static _Thread_local bool has_locked;

WRAPPED(int, pthread_mutex_lock, pthread_mutex_t *mutex)
{
	has_locked |= is_waking;
	return __real_pthread_mutex_lock(mutex);
}

WRAPPED(int, pthread_rwlock_tryrdlock, pthread_rwlock_t *lock)
{
	has_locked |= is_waking;
	return __real_pthread_rwlock_tryrdlock(lock);
}

WRAPPED(int, pthread_rwlock_rdlock, pthread_rwlock_t *lock)
{
	has_locked |= is_waking;
	return __real_pthread_rwlock_rdlock(lock);
}

/* Many ask while it comes and goes: nobody meets half a ledger. */
static void *ask(void *arg)
{
	const bool *stop = arg;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		uint8_t root[32];
		uint64_t size;
		emr_status status = emr_ledger_size(k.ledger, &size);

		assert_true(status == EMR_OK || status == EMR_OFFLINE);
		status = emr_ledger_root(k.ledger, 1, root);
		assert_true(status == EMR_OK || status == EMR_OFFLINE);
	}
	return NULL;
}

TEST_IN(begin, end, several_threads_see_it_come_and_go)
{
	pthread_t threads[3];
	bool stop = false;
	emr_ledger_options options = {
		.path = k.network, .submitter = k.keyring, .known = known, .clock = NULL};

	assert_ok(emr_ledger_open(&options, &k.ledger));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &stop), 0);
	for (int i = 0; i < 20; i++) {
		move("ledger.sqlite", "aside");
		usleep(2000);
		move("aside", "ledger.sqlite");
		usleep(2000);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* ---- the replica ---- */

static void catch_up_with(emr_status wanted, emr_status trouble_wanted)
{
	AUTO(emr_replica_auto) emr_replica *replica = kit_replica(&k);
	emr_replica_trouble trouble;

	assert_status(wanted, emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_replica_last_trouble(replica, &trouble);
	assert_status(trouble_wanted, trouble.status);
}

static void fill_replica(void)
{
	assert_ok(open_door(&k.ledger));
	kit_fill(&k, &domain, 20);
	catch_up_with(EMR_OK, EMR_OK);
	emr_ledger_close(k.ledger);
	k.ledger = NULL;
}

/* Neither an older copy nor one that was found damaged may be the ground of changes; and neither is
 * thrown away. */
TEST_IN(begin, end, a_copy_that_is_not_enough_is_kept_and_said)
{
	EMR_AUTO_FD marker = -1;
	emr_replica *replica = NULL;
	emr_replica_options options;
	char copy[200], old[200];

	fill_replica();
	(void)snprintf(copy, sizeof copy, "%s/replica.sqlite", k.state);
	(void)snprintf(old, sizeof old, "%s/old", k.state);
	kit_sql(k.state, "replica.sqlite", "PRAGMA wal_checkpoint(TRUNCATE)");
	{
		assert_int_equal(system(printed("cp %s %s", copy, old)), 0);
	}
	fill_replica();
	move("ledger.sqlite", "aside");
	assert_ok(open_door(&k.ledger));
	assert_int_equal(rename(old, copy), 0);
	catch_up_with(EMR_ROLLBACK, EMR_ROLLBACK);
	move("aside", "ledger.sqlite");
	later();
	catch_up_with(EMR_OK, EMR_OK);

	move("ledger.sqlite", "aside");
	later();
	marker = openat(k.state_fd, "replica.rebuild", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	catch_up_with(EMR_DAMAGED, EMR_DAMAGED);
	assert_true(marker >= 0);
	assert_int_equal(faccessat(k.state_fd, "replica.rebuild", F_OK, 0), 0);
	assert_int_equal(truncate(copy, 5000), 0);
	options = (emr_replica_options){
		.state_dirfd = k.state_fd, .ledger = k.ledger, .clock = &k.clock.clock};
	assert_status(EMR_OFFLINE, emr_replica_open(&options, &replica));
	assert_int_equal(access(copy, F_OK), 0);
	move("aside", "ledger.sqlite");
	later();
	catch_up_with(EMR_OK, EMR_OK);
	assert_int_not_equal(faccessat(k.state_fd, "replica.rebuild", F_OK, 0), 0);
}

/* The structure of a file is built again with all the rest of it. */
TEST_IN(begin, end, an_index_that_disagrees_with_its_table_goes_with_the_file)
{
	const char *file = printed("%s/ledger.sqlite", k.network);
	EMR_AUTO_REPLICA replica = NULL;
	emr_ledger_trouble trouble;
	emr_replica_mended mended;
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;
	char byte = 0;
	off_t at;
	int fd;

	fill_replica();
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT rootpage FROM sqlite_master WHERE "
				 "name='batches'",
				 -1, &s, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	at = sqlite3_column_int64(s, 0) * 4096 - 4;
	(void)sqlite3_finalize(s);
	(void)sqlite3_close(db); /* brings its log into the file */
	fd = open(file, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
	k.ledger = kit_open(&k);
	assert_status(EMR_DAMAGED, emr_ledger_verify(k.ledger, &trouble));
	replica = kit_replica(&k);
	assert_ok(emr_replica_mend(replica, &mended));
	assert_true(mended.ledger && !mended.own);
	assert_ok(emr_ledger_verify(k.ledger, &trouble));
}

TESTS(NULL, NULL)
