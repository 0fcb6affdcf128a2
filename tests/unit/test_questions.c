/* These tests are about the questions to a copy of the ledger: none of them looks through a table
 * that grows with the network, and none of them believes bytes that have rotted. */
#include "ask_private.h"
#include "folk_kit.h"
#include "ledger/sql.h"

/* The plan of SQLite says SCAN where it reads a whole table, and USE TEMP B-TREE where it sorts all
 * rows before the first is given. */
TEST(no_question_scans_or_sorts_a_table)
{
	emr_chain *chain = NULL;

	assert_ok(emr_chain_open_temporary(&chain));
	emr_chain_make_indexes(chain);
	for (size_t i = 0; i < EMR_QUESTIONS; i++) {
		struct sqlite3_stmt *asked, *plan = NULL;

		assert_ok(emr_chain_ask(chain, i, replica_questions[i].text, &asked));
		(void)sqlite3_prepare_v2(sqlite3_db_handle(asked),
			printed("EXPLAIN QUERY PLAN %s", sqlite3_sql(asked)), -1, &plan, NULL);
		assert_non_null(plan);
		while (emr_sql_step(plan) == EMR_OK) {
			const char *step = (const char *)sqlite3_column_text(plan, 3);

			if (strncmp(step, "SCAN", 4) == 0 ||
				(strstr(step, "ORDER BY") &&
					!strstr(sqlite3_sql(asked), "/* sorted: ")))
				fail_msg("%s: %s", sqlite3_sql(asked), step);
		}
		emr_chain_asked(chain, plan);
	}
	emr_chain_close(chain);
}

/* ---- rot ---- */

static emr_ask_about about;
static emr_buf whole[EMR_QUESTIONS]; /* the answers while nothing is rotten */

/* Of each kind of row there is one, and it is the administrator's. The record is that which the
 * kit's parts name. */
static void fill(void)
{
	const emr_id16 in = health.id, team = {{7}}, grant = {{1}}, none = {{0}};
	const emr_id32 me = boss.public.signer_id;
	emr_pub_dataset_new called = {.not_after_unix_s = now + 90 * DAY, .purposes = 1};
	emr_pub_dataset_snapshot state = {.dataset = {7}, .log_size = 3, .n = 1};
	emr_batch_builder *b = kit_batch(&k, in);
	const emr_pub_trustee_set trust = {.t = 1, .n = 1, .delay_s = DAY};
	const emr_pub_org_propose rules = {.kind = EMR_PROPOSAL_CONTRACT,
		.subject = {0, 0, 0, 2},
		.not_after_unix_s = now + DAY};
	emr_act asked = emr_act_request(in, me, me);
	emr_act key = {.op = EMR_OP_LISTKEY, .domain = in, .version = 1, .epoch = 1};

	about = (emr_ask_about){ana.replica, in, none, team, clinic, me, me, 0, EMR_FAMILY_OBJECT};
	memset(about.object.b, 0x5a, sizeof about.object.b);
	about.item = kit_put(b, &health, about.object, 1, (emr_id32){{0}});
	(void)kit_send(&k, b);
	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss.clinic"));
	assert_applied(folk_say(&ana, emr_act_propose(team, &rules), folk_nothing()));
	assert_applied(folk_say(&ana, emr_act_approve_proposal(team, home), folk_nothing()));
	assert_applied(folk_say(&boss, emr_act_approve_proposal(team, clinic), folk_nothing()));
	memcpy(called.B, boss.public.B, sizeof called.B);
	assert_ok(emr_keyring_pop(boss.keyring, k.net_id, called.pop));
	assert_applied(folk_say(&boss, emr_act_dataset(team, &called), folk_part_of(60)));
	assert_applied(folk_say(&boss, emr_act_admit(team, me, now + DAY), folk_part_of(112)));
	assert_applied(folk_say(&boss, emr_act_snapshot(team, &state), folk_nothing()));
	assert_applied(
		folk_own(emr_act_writer_add(in, me, EMR_RIGHT_PUT, now + DAY), folk_part_of(592)));
	assert_applied(folk_own(folk_grant_to(grant, me.b, DAY), folk_part_of(GRANT_PART(0))));
	assert_applied(folk_ask(&boss, grant, grant, none, NULL));
	assert_applied(folk_say(&boss, emr_act_report(in, grant, grant, none), folk_part_of(154)));
	assert_applied(folk_say(&boss, asked, folk_part_of(592)));
	assert_applied(folk_own(emr_act_deny(in, asked.object, me), folk_part_of(592)));
	emr_object_listkey(me.b, 1, key.object.b);
	assert_applied(folk_say(&boss, key, folk_part_of(160)));
	assert_applied(folk_say(&boss, emr_act_trustee_set(grant, &trust), folk_part_of(249)));
	assert_applied(folk_say(&boss, emr_act_recover_ask(team, grant, me.b), folk_nothing()));
	folk_see(&ana);
}

/* With rot in WHERE (NULL: nowhere yet): no answer has another row, and none has fewer that is not
 * damaged, unless SQLite finds its rows by the value that is rotten. */
static void check(const char *where, bool is_found_by)
{
	emr_replica_rest(ana.replica);
	for (size_t i = 0; i < EMR_QUESTIONS; i++) {
		const size_t size = replica_questions[i].type->size;
		EMR_AUTO_BUF said = {0};
		emr_status status = emr_asked_all((emr_question)i, about, &said);
		size_t n = 0; /* bytes that were said before, too */

		/* an item's bytes are those that its id is made of */
		if (size == sizeof(emr_replica_item) || size == sizeof(emr_replica_listing))
			for (size_t at = 0; at < said.len; at += size)
				((emr_replica_item *)(void *)(said.data + at))->bytes.data = NULL;
		if (where == NULL)
			assert_ok(emr_buf_append(&whole[i], said.data, said.len));
		for (size_t at = 0; at < whole[i].len && n < said.len; at += size)
			n += memcmp(said.data + n, whole[i].data + at, size) == 0 ? size : 0;
		if (whole[i].len == 0 || n < said.len ||
			(status == EMR_OK ? n < whole[i].len && !is_found_by
					  : status != EMR_DAMAGED))
			fail_msg("%s: %s: %s", where, replica_questions[i].text,
				emr_status_text(status));
	}
}

/* Each column of each table that a question reads, but for the bytes of an entry: where they rotted
 * here and on the ledger the folder opens, and `verify --chain` compares them with the tree;
 * whether SQLite finds rows by it; and how the rows are put there again with rot in the next byte
 * of it (at), and at last with none. Each byte has its turn in numbers and in rows that a question
 * chooses by what stands in them, else one of sixteen. */
static const char columns[] =
	"SELECT t.name||'.'||c.name,c.pk>0 OR c.name IN(SELECT i.name FROM"
	" pragma_index_list(t.name) l,pragma_index_info(l.name) i) OR EXISTS(SELECT 1 FROM"
	" sqlite_master i WHERE i.tbl_name=t.name AND instr(i.sql,'substr('||c.name||',')),"
	"replace(replace('CREATE TABLE IF NOT EXISTS kept.# AS SELECT * FROM #;UPDATE at SET (r,"
	"b)=(SELECT k.rowid,i FROM kept.# k CROSS JOIN bytes WHERE k.rowid>=r AND i<length(@) AND"
	" (k.rowid,i)>(r,b) AND (i-k.rowid)%'||iif(c.name='value' OR c.type='INTEGER',1,16)||'=0"
	" UNION ALL SELECT 0,-1 LIMIT 1);BEGIN;DELETE FROM #;INSERT OR REPLACE INTO # SELECT ','#',"
	"t.name)||(SELECT group_concat(iif(cid=c.cid,'iif(k.rowid=r,CAST(substr(@,1,b)||'''||"
	"iif(type='INTEGER',5,'A')||'''||substr(@,b+2) AS '||type||'),@)',name)) FROM"
	" pragma_table_info(t.name))||' FROM kept.'||t.name||' k,at;COMMIT','@',c.name) FROM"
	" sqlite_master t,pragma_table_info(t.name) c WHERE t.type='table' AND c.name<>'entry'";

TEST_IN(folk_with_clinic, folk_end, rot_ends_a_question_or_adds_nothing_to_its_answer)
{
	emr_sql sql = {.texts = (const char *const[]){columns, "SELECT r FROM at"}};
	sqlite3_stmt *column, *at;

	fill();
	check(NULL, false);
	(void)sqlite3_open(printed("%s/state-ana/replica.sqlite", k.base), &sql.db);
	assert_ok(emr_sql_run(&sql,
		"ATTACH ':memory:' AS kept;CREATE TABLE kept.at AS SELECT 0 AS r,-1 AS b;CREATE"
		" TABLE kept.bytes(i INTEGER PRIMARY KEY);INSERT INTO bytes WITH RECURSIVE n(i) AS"
		" (SELECT 0 UNION ALL SELECT i+1 FROM n LIMIT 4096) SELECT i FROM n"));
	assert_ok(emr_sql_use(&sql, 0, &column));
	while (emr_sql_step(column) == EMR_OK)
		do {
			assert_ok(emr_sql_run(&sql, (const char *)sqlite3_column_text(column, 2)));
			check((const char *)sqlite3_column_text(column, 0),
				sqlite3_column_int(column, 1));
			assert_ok(emr_sql_use(&sql, 1, &at));
		} while (emr_sql_step(at) == EMR_OK && sqlite3_column_int(at, 0) > 0);
	emr_sql_close(&sql);
}

TESTS(NULL, NULL)
