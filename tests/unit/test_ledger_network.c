/* These tests make networks: rights of files, refused places, a failed creation that leaves
 * nothing, and a program of other rules that may only read. */
#include <dirent.h>
#include <sys/vfs.h>

#include "contract/item.h"
#include "contract/rows.h"
#include "keyring/cert.h"
#include "ledger/chain.h"
#include "ledger/sql.h"
#include "ledger_kit.h"

static kit k;

AROUND_BY(begin, kit_begin(&k))

AROUND_BY(end, kit_end(&k))

static emr_network_new options(void)
{
	return (emr_network_new){.path = k.network,
		.keyring = k.keyring,
		.name = "Silva",
		.handle = "ana@silva",
		.clock = &k.clock.clock};
}

static emr_status open_it(void)
{
	emr_ledger_options o = {.path = k.network, .submitter = k.keyring, .clock = &k.clock.clock};

	return emr_ledger_open(&o, &k.ledger);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(printed("%s/%s", k.network, name), &st), 0);
	return st.st_mode & 07777;
}

TEST_IN(begin, end, a_new_network_knows_its_owner_and_his_certificate)
{
	emr_network_new o = options();
	EMR_AUTO_BUF cert = {0};
	EMR_AUTO_BUF row = {0};
	emr_cert_facts facts;
	emr_key_text key;
	emr_row_key parsed;
	AUTO(emr_replica_auto) emr_replica *replica;

	assert_ok(emr_network_create(&o, &k.net_id, &cert));
	assert_ok(emr_cert_read(emr_buf_view(&cert), &facts));
	assert_string_equal(facts.handle, "ana@silva");
	assert_int_equal(facts.roles, EMR_ROLE_PATIENT | EMR_ROLE_ORG_ADMIN);
	assert_ok(open_it());
	replica = kit_replica(&k);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_key_signer(k.owner.signer_id.b, &key);
	assert_ok(emr_replica_state_get(replica, key.text, &row));
	assert_int_equal(
		emr_row_key_parse((emr_span){row.data, row.len}, &parsed), EMR_CONTRACT_OK);
	assert_int_equal(parsed.head.state, EMR_KEY_ACTIVE);
	assert_memory_equal(parsed.ref, facts.ref.b, 32);
	assert_int_equal(parsed.not_after_unix_s, facts.not_after);
}

TEST_IN(begin, end, a_private_network_is_private)
{
	emr_network_new o = options();

	assert_ok(emr_network_create(&o, &k.net_id, NULL));
	assert_int_equal(mode_of("."), 0700);
	assert_int_equal(mode_of("ledger.sqlite"), 0600);
	assert_int_equal(mode_of("descriptor"), 0600);
	assert_ok(open_it());
	assert_int_equal(mode_of("ledger.sqlite-wal"), 0600);
}

TEST_IN(begin, end, a_network_with_wider_rights_is_not_opened)
{
	static const mode_t modes[] = {0755, 0701, 0770, 02770, 02777, 01700};
	emr_network_new o = options();

	assert_ok(emr_network_create(&o, &k.net_id, NULL));
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		assert_int_equal(chmod(k.network, modes[i]), 0);
		assert_status(EMR_EXPOSED, open_it());
	}
	assert_int_equal(chmod(k.network, 0700), 0);
	assert_ok(open_it());
}

TEST_IN(begin, end, a_network_is_made_once_and_never_over_other_files)
{
	emr_network_new o = options();
	int fd;

	assert_int_equal(mkdir(k.network, 0755), 0); /* empty: fine */
	assert_ok(emr_network_create(&o, &k.net_id, NULL));
	assert_status(EMR_EXISTS, emr_network_create(&o, &k.net_id, NULL));
	kit_remove_tree(k.network);
	assert_int_equal(mkdir(k.network, 0700), 0);
	fd = open(printed("%s/letter.txt", k.network), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)close(fd);
	assert_status(EMR_NOT_EMPTY, emr_network_create(&o, &k.net_id, NULL));
	assert_status(EMR_NOT_FOUND, open_it());
}

static size_t files_in(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n - 2;
}

TEST_IN(begin, end, a_failed_creation_leaves_nothing_behind)
{
	emr_network_new o = options();

	o.name = ""; /* refused by the certificate */
	assert_int_not_equal(emr_network_create(&o, &k.net_id, NULL), EMR_OK);
	assert_int_equal(files_in(k.base), 1); /* the state directory of this test */
}

TEST_IN(begin, end, a_descriptor_that_was_changed_is_found)
{
	emr_network_new o = options();
	uint8_t byte;
	int fd;

	assert_ok(emr_network_create(&o, &k.net_id, NULL));
	fd = open(printed("%s/descriptor", k.network), O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, 20), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 20), 1);
	(void)close(fd);
	assert_status(EMR_DAMAGED, open_it());
}

/* Entries of Fabric have no submitter's signature, because blocks have the transaction's: in a file
 * they would have none at all. */
TEST_IN(begin, end, a_file_is_no_ledger_of_a_network_on_fabric)
{
	emr_network_new o = options();

	o.msp = "OrgA";
	assert_status(EMR_DAMAGED, emr_network_create(&o, &k.net_id, NULL));
	assert_int_equal(files_in(k.base), 1); /* the state directory of this test */
}

TEST_IN(begin, end, shared_file_systems_are_refused)
{
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_status(EMR_UNSUPPORTED, emr_network_check_place(fd));
	(void)close(fd);
	assert_ok(emr_network_check_place(k.state_fd));
}

/* Writes the N row with another contract version, as ORG_APPROVE would. */
static void agree_on_rules(uint32_t version)
{
	EMR_AUTO_REPLICA replica = kit_replica(&k);
	EMR_AUTO_BUF row = {0};
	EMR_AUTO_BUF sealed = {0};
	uint8_t bytes[EMR_ROW_NETWORK_BYTES];
	emr_row_network parsed;
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_state_get(replica, "N", &row));
	assert_int_equal(
		emr_row_network_parse((emr_span){row.data, row.len}, &parsed), EMR_CONTRACT_OK);
	parsed.contract = version;
	emr_row_network_encode(&parsed, bytes);
	assert_int_equal(sqlite3_open(printed("%s/ledger.sqlite", k.network), &db), SQLITE_OK);
	(void)sqlite3_prepare_v2(
		db, "SELECT key||' '||seq||' '||time FROM state WHERE key='N'", -1, &s, NULL);
	assert_ok(emr_sql_step(s));
	assert_ok(emr_sql_seal((const char *)sqlite3_column_text(s, 0),
		emr_bytes_of(bytes, sizeof bytes), &sealed));
	(void)sqlite3_finalize(s);
	assert_int_equal(
		sqlite3_prepare_v2(db, "UPDATE state SET value=?1 WHERE key='N'", -1, &s, NULL),
		SQLITE_OK);
	sqlite3_bind_blob(s, 1, sealed.data, (int)sealed.len, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	(void)sqlite3_finalize(s);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

TEST_IN(begin, end, a_program_of_other_rules_reads_and_does_not_write)
{
	emr_network_new o = options();
	kit_domain d = {.id = emr_id16_random()};
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;
	emr_batch_builder *b;
	uint64_t size = 0;

	assert_ok(emr_network_create(&o, &k.net_id, NULL));
	assert_ok(open_it());
	agree_on_rules(EMR_CONTRACT_VERSION);
	b = kit_batch(&k, d.id);
	kit_domain_into(&k, b, &d);
	kit_finish(&k, b, &bytes);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
	emr_buf_clear(&bytes);
	d.id = emr_id16_random();
	agree_on_rules(EMR_CONTRACT_VERSION + 1);
	b = kit_batch(&k, d.id);
	kit_domain_into(&k, b, &d);
	kit_finish(&k, b, &bytes);
	assert_status(EMR_NEWER_RULES, emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
	/* Perhaps it has an operation that only those rules have: nothing is said of it either. */
	bytes.data[EMR_HEADER_BYTES + 5] = 0xee;
	assert_status(EMR_NEWER_RULES, emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
	assert_ok(emr_ledger_size(k.ledger, &size));
	assert_int_equal(size, 3);
}

/* Why configure() sets synchronous before any transaction. */
TEST_IN(begin, end, synchronous_inside_a_transaction_is_refused_or_ignored)
{
	emr_network_new o = options();
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;

	assert_ok(emr_network_create(&o, &k.net_id, NULL));
	assert_int_equal(sqlite3_open(printed("%s/ledger.sqlite", k.network), &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE", NULL, NULL, NULL),
		SQLITE_OK);
	(void)sqlite3_exec(db, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA synchronous", -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(s, 0), 1); /* still NORMAL */
	(void)sqlite3_finalize(s);
	(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

TESTS(NULL, NULL)
