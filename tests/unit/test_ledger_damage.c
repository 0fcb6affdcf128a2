/* These tests are about one byte of each kind of row changed, in the ledger and in the local
 * copy: verify finds it and names the entry. */
#include <sqlite3.h>

#include "ledger/chain.h"
#include "ledger_kit.h"

static kit k;
static kit_domain domain;
static uint64_t named; /* entry of the last damage found */

static const struct {
	const char *what;
	const char *sql;
} damages[] = {
	{"entry, first byte", "UPDATE entries SET entry = x'00' || substr(entry, 2) WHERE seq=3"},
	{"entry, time", "UPDATE entries SET entry = substr(entry,1,23) || x'aaaa' || "
			"substr(entry,26) WHERE seq=3"},
	{"entry, submitter", "UPDATE entries SET entry = substr(entry,1,30) || x'aaaa' || "
			     "substr(entry,33) WHERE seq=3"},
	{"entry, previous", "UPDATE entries SET entry = substr(entry,1,80) || x'aaaa' || "
			    "substr(entry,83) WHERE seq=3"},
	{"entry, header", "UPDATE entries SET entry = substr(entry,1,120) || x'aaaa' || "
			  "substr(entry,123) WHERE seq=3"},
	{"entry, batch signature", "UPDATE entries SET entry = substr(entry,1,260) || x'aaaa' || "
				   "substr(entry,263) WHERE seq=3"},
	{"entry, submitter's signature", "UPDATE entries SET entry = substr(entry,1,330) || "
					 "x'aaaa' || substr(entry,333) WHERE seq=3"},
	{"entry, a result", "UPDATE entries SET entry = substr(entry,1,376) || x'18' || "
			    "substr(entry,378) WHERE seq=3"},
	{"entry missing", "DELETE FROM entries WHERE seq=3"},
	{"batch id", "UPDATE entries SET batch_id = zeroblob(32) WHERE seq=3"},
	{"item", "UPDATE entries SET items = substr(items,1,40) || x'aaaa' || substr(items,43) "
		 "WHERE seq=3"},
	{"items cut", "UPDATE entries SET items = substr(items,1,100) WHERE seq=3"},
	{"tree leaf", "UPDATE nodes SET hash = zeroblob(40) WHERE level=0 AND idx=3"},
	{"tree node", "UPDATE nodes SET hash = zeroblob(40) WHERE level=1 AND idx=1"},
	{"tree node missing", "DELETE FROM nodes WHERE level=1 AND idx=1"},
	{"item row, its domain", "UPDATE item SET domain=signer WHERE seq=3 AND idx=0"},
	{"item row", "UPDATE item SET flags=flags+1 WHERE seq=3 AND idx=0"},
	{"item row missing", "DELETE FROM item WHERE seq=3 AND idx=1"},
	{"item row, its entry", "UPDATE item SET seq=seq+64 WHERE seq=3"},
	{"item row, purged", "UPDATE item SET purged=4 WHERE seq=3"},
	{"state value", "UPDATE state SET value = substr(value,1,60) || x'aaaa' || "
			"substr(value,63) WHERE seq=3"},
	{"state time", "UPDATE state SET time=time+1 WHERE seq=3"},
	{"state, its entry", "UPDATE state SET seq=seq+1 WHERE seq=3"},
	{"state row missing", "DELETE FROM state WHERE seq=3"},
	{"state row added", "INSERT INTO state VALUES('O/ff/ff', x'00', 3, 0)"},
	{"part", "UPDATE parts SET part = substr(part,1,40) || x'aaaa' || substr(part,43) WHERE "
		 "seq=3"},
	{"part hash", "UPDATE parts SET hash = zeroblob(32) WHERE seq=3"},
	{"part missing", "DELETE FROM parts WHERE seq=3"},
	{"digest", "UPDATE meta SET value = zeroblob(40) WHERE name='digest'"},
};
#define N_DAMAGES (sizeof damages / sizeof damages[0])

static emr_status verify_ledger(void)
{
	emr_ledger_trouble trouble = {0};
	emr_status status = emr_ledger_verify(k.ledger, &trouble);

	named = trouble.seq;
	return status;
}

static emr_status verify_all(void)
{
	EMR_AUTO_REPLICA replica = kit_replica(&k);
	emr_replica_trouble trouble = {0};
	uint64_t checked;
	emr_status status = emr_replica_verify_chain(replica, &trouble, &checked);

	named = trouble.seq;
	return status;
}

AROUND(begin)
{
	emr_batch_builder *b;

	kit_new(&k);
	domain = kit_domain_new(&k);  /* entry 2 */
	b = kit_batch(&k, domain.id); /* entry 3: two records */
	(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	(void)kit_send(&k, b);
	kit_fill(&k, &domain, 1);
}

AROUND_BY(end, kit_end(&k))

static void copy(const char *dir, const char *from, const char *to)
{
	assert_int_equal(system(printed("cp -p %s/%s %s/%s", dir, from, dir, to)), 0);
}

TEST_IN(begin, end, every_kind_of_damage_in_the_ledger_is_found_at_its_entry)
{
	emr_ledger_close(k.ledger);
	copy(k.network, "ledger.sqlite", "kept");
	for (size_t i = 0; i < N_DAMAGES; i++) {
		emr_status status;
		kit_sql(k.network, "ledger.sqlite", damages[i].sql);
		k.ledger = kit_open(&k);
		status = verify_ledger();
		if (status != EMR_DAMAGED)
			fail_msg("%s: %s", damages[i].what, emr_status_text(status));
		if (strcmp(damages[i].what, "digest") != 0 && named != 3)
			fail_msg("%s: entry %llu", damages[i].what, (unsigned long long)named);
		emr_ledger_close(k.ledger);
		copy(k.network, "kept", "ledger.sqlite");
	}
	k.ledger = kit_open(&k);
	assert_ok(verify_ledger());
}

TEST_IN(begin, end, every_kind_of_damage_in_the_own_copy_is_found)
{
	EMR_AUTO_REPLICA replica = kit_replica(&k);
	emr_replica_trouble whole;
	uint64_t entries;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(verify_all());
	assert_ok(emr_replica_verify_own(replica, &whole, &entries));
	emr_replica_close(replica);
	replica = NULL;
	for (size_t i = 0; i < N_DAMAGES; i++) {
		emr_replica *damaged = kit_replica(&k);
		emr_replica_trouble trouble = {0};
		uint64_t checked;
		emr_status status;
		kit_sql(k.state, "replica.sqlite", damages[i].sql);
		/* Without the ledger, too. */
		status = emr_replica_verify_own(damaged, &trouble, &checked);
		if (status != EMR_DAMAGED && status != EMR_FORK)
			fail_msg("alone: %s: %s", damages[i].what, emr_status_text(status));
		status = emr_replica_verify_chain(damaged, &trouble, &checked);
		emr_replica_close(damaged);
		if (status != EMR_DAMAGED && status != EMR_FORK)
			fail_msg("%s: %s", damages[i].what, emr_status_text(status));
		/* The next start makes the copy again. */
		damaged = kit_replica(&k);
		assert_ok(emr_replica_catch_up(damaged, NULL, NULL, NULL));
		status = emr_replica_verify_chain(damaged, &trouble, &checked);
		if (status != EMR_OK)
			fail_msg("%s: not made again: %s, %s", damages[i].what,
				emr_status_text(status), trouble.cause);
		emr_replica_close(damaged);
	}
}

/* ---- single bytes of the file ---- */

static int add_row(void *arg, int n, char **columns, char **names)
{
	emr_buf *out = arg;

	(void)names;
	for (int i = 0; i < n; i++)
		if (columns[i] && emr_buf_append(out, columns[i], strlen(columns[i]) + 1) != EMR_OK)
			return 1;
	return 0;
}

/* Everything that can be read from the tables; false when SQLite itself complains. */
static bool dump(emr_buf *out)
{
	static const char *const tables[] = {
		"SELECT seq, quote(batch_id), quote(entry), quote(items) FROM entries NOT INDEXED",
		"SELECT level, idx, quote(hash) FROM nodes",
		"SELECT n, quote(id) FROM ids NOT INDEXED",
		"SELECT seq, idx, family, quote(id), op, domain, quote(object), version, signer, "
		"submitter, time, result, flags, purged, quote(sum) FROM item NOT INDEXED",
		"SELECT quote(key), quote(value), seq, time FROM state",
		"SELECT quote(domain), quote(object), version, quote(hash), quote(part) FROM parts "
		"ORDER BY 1, 2, 3",
		"SELECT family, seq FROM parts NOT INDEXED ORDER BY domain, object, version",
		"SELECT quote(name), quote(value) FROM meta",
	};
	sqlite3 *db = NULL;
	bool is_good;

	emr_buf_clear(out);
	is_good = sqlite3_open(printed("%s/ledger.sqlite", k.network), &db) == SQLITE_OK;
	for (size_t i = 0; is_good && i < sizeof tables / sizeof tables[0]; i++)
		is_good = sqlite3_exec(db, tables[i], add_row, out, NULL) == SQLITE_OK;
	(void)sqlite3_close(db);
	return is_good;
}

static void flip(long at)
{
	FILE *file;
	int byte;

	file = fopen(printed("%s/ledger.sqlite", k.network), "r+b");
	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	byte = fgetc(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_true(fputc(byte ^ 0x10, file) != EOF);
	assert_int_equal(fclose(file), 0);
}

TEST_IN(begin, end, no_byte_of_the_file_changes_what_is_read_unseen)
{
	const long stride = 701;
	EMR_AUTO_BUF before = {0};
	EMR_AUTO_BUF after = {0};
	size_t seen = 0;
	char path[256];
	FILE *file;
	long size;

	emr_ledger_close(k.ledger);
	assert_true(dump(&before));
	copy(k.network, "ledger.sqlite", "kept");
	(void)snprintf(path, sizeof path, "%s/kept", k.network);
	file = fopen(path, "rb");
	(void)fseek(file, 0, SEEK_END);
	size = ftell(file);
	(void)fclose(file);
	for (long at = 7; at < size; at += stride) {
		emr_ledger_options options = {.path = k.network};
		emr_status status;
		bool is_same;
		flip(at);
		is_same = dump(&after) &&
			  emr_bytes_equal(emr_buf_view(&before), emr_buf_view(&after));
		k.ledger = NULL;
		status = emr_ledger_open(&options, &k.ledger);
		if (status == EMR_OK)
			status = verify_ledger();
		if (!is_same && status == EMR_OK)
			fail_msg("byte %ld", at);
		seen += status != EMR_OK;
		emr_ledger_close(k.ledger);
		copy(k.network, "kept", "ledger.sqlite");
	}
	assert_true(seen > 10);
	k.ledger = kit_open(&k);
	assert_ok(verify_ledger());
}

/* ---- rot beside a whole copy ---- */

/* Everything that is verified, once more: the ledger's rows and this copy's. */
static emr_status look_at_both(emr_replica *replica, emr_replica_trouble *trouble)
{
	uint64_t checked;

	return emr_replica_verify_chain(replica, trouble, &checked);
}

static emr_replica *caught_up(void)
{
	emr_replica *replica = kit_replica(&k);

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	return replica;
}

TEST_IN(begin, end, damage_in_the_ledger_is_put_right_from_the_verified_copy)
{
	EMR_AUTO_BUF before = {0};
	EMR_AUTO_BUF after = {0};

	emr_replica_close(caught_up());
	assert_true(dump(&before));
	for (size_t i = 0; i < N_DAMAGES; i++) {
		EMR_AUTO_REPLICA replica = NULL;
		emr_replica_trouble trouble = {0};
		emr_replica_mended mended;
		emr_status status;

		emr_ledger_close(k.ledger);
		kit_sql(k.network, "ledger.sqlite", damages[i].sql);
		k.ledger = kit_open(&k);
		replica = caught_up();
		status = look_at_both(replica, &trouble);
		/* A wrong hash keeps a part from being replaced, and changes nothing that is read.
		 */
		if (strcmp(damages[i].what, "part hash") != 0 && status != EMR_DAMAGED)
			fail_msg("%s: verified: %s", damages[i].what, emr_status_text(status));
		if (strcmp(damages[i].what, "digest") != 0 && status == EMR_DAMAGED &&
			trouble.seq != 3)
			fail_msg("%s: verified: entry %llu", damages[i].what,
				(unsigned long long)trouble.seq);
		status = emr_replica_mend(replica, &mended);
		if (status != EMR_OK || !mended.ledger || mended.own)
			fail_msg("%s: mended: %s, ledger %d, own %d", damages[i].what,
				emr_status_text(status), mended.ledger, mended.own);
		emr_replica_last_trouble(replica, &trouble);
		assert_int_equal(trouble.status, EMR_OK);
		assert_ok(look_at_both(replica, &trouble));
		assert_ok(verify_ledger());
		assert_true(dump(&after));
		if (!emr_bytes_equal(emr_buf_view(&before), emr_buf_view(&after)))
			fail_msg("%s: the ledger is not what it was", damages[i].what);
	}
}

TEST_IN(begin, end, damage_in_the_own_copy_is_put_right_from_the_ledger)
{
	emr_replica_close(caught_up());
	for (size_t i = 0; i < N_DAMAGES; i++) {
		EMR_AUTO_REPLICA replica = caught_up();
		emr_replica_trouble trouble = {0};
		emr_replica_mended mended;
		uint64_t checked;
		emr_status status;

		kit_sql(k.state, "replica.sqlite", damages[i].sql);
		status = look_at_both(replica, &trouble);
		/* That one may not be kept here is no damage. */
		if (strcmp(damages[i].what, "part missing") != 0 && status != EMR_DAMAGED)
			fail_msg("%s: verified: %s", damages[i].what, emr_status_text(status));
		/* The tree tells which of two entries is the one that was verified. */
		if (strncmp(damages[i].what, "entry", 5) == 0 &&
			strstr(trouble.cause, "own copy") == NULL)
			fail_msg("%s: the ledger is blamed: %s", damages[i].what, trouble.cause);
		status = emr_replica_mend(replica, &mended);
		if (status != EMR_OK || !mended.own || mended.ledger)
			fail_msg("%s: mended: %s, ledger %d, own %d", damages[i].what,
				emr_status_text(status), mended.ledger, mended.own);
		assert_ok(emr_replica_verify_own(replica, &trouble, &checked));
		assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
	}
}

/* Nor do the two keep anybody from opening the copy, who has a whole ledger. */
TEST_IN(begin, end, damage_in_the_own_copys_first_entry_is_no_other_network)
{
	EMR_AUTO_REPLICA replica = NULL;
	EMR_AUTO_BUF descriptor = {0};
	emr_replica_trouble trouble = {0};
	emr_replica_mended mended;

	emr_replica_close(caught_up());
	kit_sql(k.state, "replica.sqlite",
		"UPDATE entries SET entry = substr(entry,1,40) || x'aaaa' || substr(entry,43) "
		"WHERE seq=0");
	assert_status(EMR_DAMAGED, emr_replica_descriptor(k.state_fd, &descriptor));
	replica = caught_up();
	assert_status(EMR_DAMAGED, look_at_both(replica, &trouble));
	assert_ok(emr_replica_mend(replica, &mended));
	assert_false(mended.ledger);
	assert_true(mended.own);
	assert_ok(look_at_both(replica, &trouble));
	assert_ok(emr_replica_descriptor(k.state_fd, &descriptor));
}

TEST_IN(begin, end, an_entry_beyond_the_own_copys_tree_is_no_older_ledger)
{
	EMR_AUTO_REPLICA replica = NULL;
	emr_replica_trouble trouble = {0};
	uint64_t checked;

	emr_replica_close(caught_up());
	kit_sql(k.state, "replica.sqlite",
		"UPDATE entries SET seq=seq+64 WHERE seq=(SELECT max(seq) FROM entries)");
	replica = caught_up();
	assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
}

/* A row of an item that is lost, one whose domain is, one that names another record,
 * and an entry whose items have rotted. */
#define LAST " seq=(SELECT max(seq) FROM entries)"
#define OF_LAST " WHERE family=32 AND" LAST
static const char *const misplaced[] = {
	"DELETE FROM item" OF_LAST,
	"UPDATE ids SET id=zeroblob(15) WHERE n=(SELECT domain FROM item" OF_LAST ")",
	"UPDATE item SET object=(SELECT object FROM item" OF_LAST " AND idx=0)" OF_LAST,
	("UPDATE entries SET items=substr(items,1,24)||x'5a'||substr(items,26) WHERE" LAST),
};

static emr_status past_of(emr_replica *replica, emr_id16 object, uint64_t *out_version)
{
	emr_replica_item item;
	EMR_ASK(asked, replica, HISTORY, .family = 0x20, .domain = domain.id, .object = object);
	while (emr_next(&asked, &item))
		*out_version = item.version;
	return asked.status;
}

/* Nobody says of such an item that it is not there, or gives another for it: the folder would not
 * open, now or later. */
TEST_IN(begin, end, an_item_whose_place_is_damaged_is_there_after_the_next_start)
{
	emr_part_key key = {.family = EMR_FAMILY_OBJECT, .domain = domain.id, .version = 1};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_replica *replica;

	for (size_t i = 0; i < sizeof misplaced / sizeof misplaced[0]; i++) {
		emr_batch_builder *b = kit_batch(&k, domain.id);
		uint64_t version = 0;

		key.object = emr_id16_random();
		(void)kit_put(b, &domain, key.object, 1, (emr_id32){{0}});
		(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
		(void)kit_send(&k, b);
		replica = caught_up();
		assert_ok(emr_replica_item_get(replica, &key, &bytes, &item));
		assert_false(emr_replica_should_reopen(replica));
		emr_replica_close(replica);
		kit_sql(k.state, "replica.sqlite", misplaced[i]);
		replica = caught_up();
		assert_status(EMR_DAMAGED, emr_replica_item_get(replica, &key, &bytes, &item));
		assert_true(emr_replica_should_reopen(replica));
		assert_status(i < 2 ? EMR_OK : EMR_DAMAGED, past_of(replica, key.object, &version));
		key.version = 2;
		assert_status(EMR_NOT_FOUND, emr_replica_item_get(replica, &key, &bytes, &item));
		key.version = 1;
		emr_replica_close(replica);
		replica = caught_up();
		assert_ok(emr_replica_item_get(replica, &key, &bytes, &item));
		assert_ok(past_of(replica, key.object, &version));
		assert_int_equal(version, 1);
		assert_false(emr_replica_should_reopen(replica));
		emr_replica_close(replica);
	}
}

/* The copy is the only one that is whole at that place. */
TEST_IN(begin, end, a_damaged_copy_is_not_thrown_away_before_the_ledger_has_what_is_whole_in_it)
{
	EMR_AUTO_REPLICA replica = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_part_key key = {.family = EMR_FAMILY_OBJECT,
		.domain = domain.id,
		.object = emr_id16_random(),
		.version = 1};
	emr_replica_trouble trouble = {0};
	emr_replica_item item;
	uint64_t checked;
	emr_batch_builder *b = kit_batch(&k, domain.id);

	(void)kit_put(b, &domain, key.object, 1, (emr_id32){{0}});
	(void)kit_send(&k, b);
	emr_replica_close(caught_up());
	kit_sql(k.network, "ledger.sqlite",
		"UPDATE entries SET items = substr(items,1,40) || x'aaaa' || substr(items,43) "
		"WHERE seq=3");
	kit_sql(k.state, "replica.sqlite", misplaced[1]);
	replica = caught_up();
	assert_status(EMR_DAMAGED, emr_replica_item_get(replica, &key, &bytes, &item));
	emr_replica_close(replica);
	replica = caught_up();
	assert_ok(emr_replica_item_get(replica, &key, &bytes, &item));
	assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
	assert_ok(verify_ledger());
}

/* Nor when neither is whole at one place: what is whole in it can still be read. */
TEST_IN(begin, end, a_damaged_copy_stays_where_the_ledger_cannot_replace_it)
{
	EMR_AUTO_REPLICA replica = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_part_key key = {.family = EMR_FAMILY_OBJECT,
		.domain = domain.id,
		.object = emr_id16_random(),
		.version = 1};
	const char *at_entry = "UPDATE entries SET items = substr(items,1,40) || x'aaaa' || "
			       "substr(items,43) WHERE seq=3";
	emr_batch_builder *b = kit_batch(&k, domain.id);
	emr_replica_head head;
	emr_replica_item item;

	(void)kit_put(b, &domain, key.object, 1, (emr_id32){{0}});
	(void)kit_send(&k, b);
	emr_replica_close(caught_up());
	kit_sql(k.network, "ledger.sqlite", at_entry);
	kit_sql(k.state, "replica.sqlite", at_entry);
	kit_sql(k.state, "replica.sqlite", misplaced[1]);
	for (int i = 0; i < 2; i++) {
		replica = kit_replica(&k);
		assert_ok(emr_replica_head_get(replica, domain.id, key.object, &head));
		assert_status(EMR_DAMAGED, emr_replica_item_get(replica, &key, &bytes, &item));
		emr_replica_close(replica);
		replica = NULL;
	}
}

TEST_IN(begin, end, a_missing_part_whose_place_is_damaged_is_counted)
{
	EMR_AUTO_REPLICA replica = caught_up();
	uint64_t n = 0, first = 0;

	kit_sql(k.state, "replica.sqlite",
		"UPDATE parts SET domain=NULL, part=x'' WHERE seq=3 AND version=1 AND object="
		"(SELECT max(object) FROM parts WHERE seq=3)");
	assert_ok(emr_replica_missing(replica, &n, &first));
	assert_int_equal(n, 1);
	assert_int_equal(first, 3);
}

TEST_IN(begin, end, damage_in_both_is_put_right_where_each_has_what_the_other_lacks)
{
	EMR_AUTO_REPLICA replica = NULL;
	emr_replica_trouble trouble = {0};
	emr_replica_mended mended;
	uint64_t checked;

	replica = caught_up();
	kit_sql(k.network, "ledger.sqlite",
		"UPDATE entries SET items = substr(items,1,40) || x'aaaa' || substr(items,43) "
		"WHERE seq=3");
	kit_sql(k.state, "replica.sqlite",
		"UPDATE entries SET entry = substr(entry,1,120) || x'aaaa' || substr(entry,123) "
		"WHERE seq=4");
	kit_sql(k.state, "replica.sqlite",
		"UPDATE parts SET part = zeroblob(length(part)) WHERE seq=3");
	assert_ok(emr_replica_mend(replica, &mended));
	assert_true(mended.ledger && mended.own);
	assert_ok(emr_replica_verify_chain(replica, &trouble, &checked));
	assert_ok(verify_ledger());
}

TEST_IN(begin, end, what_is_whole_in_neither_is_named_and_not_made_up)
{
	EMR_AUTO_REPLICA replica = NULL;
	emr_replica_mended mended;

	replica = caught_up();
	for (int i = 0; i < 2; i++)
		kit_sql(i == 0 ? k.network : k.state, i == 0 ? "ledger.sqlite" : "replica.sqlite",
			"UPDATE parts SET part = zeroblob(length(part)) WHERE seq=4");
	assert_status(EMR_DAMAGED, emr_replica_mend(replica, &mended));
	assert_true(mended.missing > 0);
	assert_int_equal(mended.trouble.seq, 4);
	for (int i = 0; i < 2; i++)
		kit_sql(i == 0 ? k.network : k.state, i == 0 ? "ledger.sqlite" : "replica.sqlite",
			"UPDATE entries SET items = zeroblob(length(items)) WHERE seq=3");
	assert_status(EMR_DAMAGED, emr_replica_mend(replica, &mended));
	assert_int_equal(mended.trouble.seq, 3);
	assert_false(mended.ledger);
}

/* Another history is no damage: who wrote it must be looked at, not overwritten. */
TEST_IN(begin, end, another_history_is_not_mended_away)
{
	EMR_AUTO_REPLICA replica = NULL;
	EMR_AUTO_BUF before = {0};
	EMR_AUTO_BUF after = {0};
	emr_replica_mended mended;

	replica = caught_up();
	emr_replica_close(replica);
	replica = NULL;
	emr_ledger_close(k.ledger);
	copy(k.network, "ledger.sqlite", "kept");
	k.ledger = kit_open(&k);
	kit_fill(&k, &domain, 1);
	emr_replica_close(caught_up());
	emr_ledger_close(k.ledger);
	copy(k.network, "kept", "ledger.sqlite");
	k.ledger = kit_open(&k);
	kit_fill(&k, &domain, 1);
	kit_fill(&k, &domain, 1);
	assert_true(dump(&before));
	replica = kit_replica(&k);
	assert_status(EMR_FORK, emr_replica_mend(replica, &mended));
	assert_true(dump(&after));
	assert_true(emr_bytes_equal(emr_buf_view(&before), emr_buf_view(&after)));
}

/* The damage that a following computer meets first is named with its entry, and what was verified
 * before stays. */
TEST_IN(begin, end, following_stops_at_the_damaged_entry)
{
	EMR_AUTO_REPLICA replica = NULL;
	emr_replica_trouble trouble;
	emr_replica_position position;
	uint64_t n = 0;

	emr_ledger_close(k.ledger);
	kit_sql(k.network, "ledger.sqlite",
		"UPDATE entries SET entry = substr(entry,1,376) || x'18' || substr(entry,378) "
		"WHERE seq=3");
	k.ledger = kit_open(&k);
	replica = kit_replica(&k);
	assert_status(EMR_DAMAGED, emr_replica_catch_up(replica, NULL, NULL, &n));
	assert_int_equal(n, 3);
	emr_replica_last_trouble(replica, &trouble);
	assert_int_equal(trouble.seq, 3);
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, 3);
}

/* No signature covers it, and no entry behind it names its hash yet. */
TEST_IN(begin, end, a_time_that_rots_in_the_newest_entry_is_not_verified)
{
	EMR_AUTO_REPLICA replica = kit_replica(&k);
	emr_replica_trouble trouble;
	emr_replica_position position;
	uint64_t size = 0;

	assert_ok(emr_ledger_size(k.ledger, &size));
	kit_sql(k.network, "ledger.sqlite",
		"UPDATE entries SET entry = substr(entry,1,23) || x'aa' || substr(entry,25) "
		"WHERE seq=(SELECT max(seq) FROM entries)");
	assert_status(EMR_DAMAGED, emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_replica_last_trouble(replica, &trouble);
	assert_int_equal(trouble.seq, size - 1);
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, size - 1);
}

TEST_IN(begin, end, damage_in_the_last_entry_is_no_fork)
{
	EMR_AUTO_REPLICA replica = kit_replica(&k);
	emr_replica_trouble trouble;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	kit_sql(k.network, "ledger.sqlite",
		"UPDATE entries SET entry = substr(entry,1,40) || x'aaaa' || substr(entry,43) "
		"WHERE seq=4");
	assert_status(EMR_DAMAGED, emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_replica_last_trouble(replica, &trouble);
	assert_int_equal(trouble.seq, 4);
}

TEST_IN(begin, end, a_batch_is_not_chained_to_a_damaged_entry)
{
	emr_batch_builder *b = kit_batch(&k, domain.id);
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;

	emr_ledger_close(k.ledger);
	kit_sql(k.network, "ledger.sqlite",
		"UPDATE entries SET entry = substr(entry,1,40) || x'aaaa' || substr(entry,43) "
		"WHERE seq=4");
	k.ledger = kit_open(&k);
	(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	emr_batch_free(b);
	assert_status(EMR_DAMAGED, emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
}

TEST_IN(begin, end, a_ledger_of_a_newer_program_is_named_so)
{
	emr_ledger *ledger = NULL;
	emr_ledger_options options = {.path = k.network};

	emr_ledger_close(k.ledger);
	kit_sql(k.network, "ledger.sqlite", "PRAGMA user_version=4");
	assert_status(EMR_NEWER_FORMAT, emr_ledger_open(&options, &ledger));
	kit_sql(k.network, "ledger.sqlite", "PRAGMA user_version=3");
	k.ledger = kit_open(&k);
}

TESTS(NULL, NULL)
