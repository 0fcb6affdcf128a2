/* Ana lets Lima act for her in a folder. These tests are about the rule that she signs, by which
 * her computer lets others read at Lima's word, and about what Lima ends. */
#include "story_kit.h"

#include "contract/codes.h"
#include "replica/ask.h"
#include "share/request.h"
#include "share/strangers.h"
#include "share/write.h"

static story s; /* one at a time */
static emr_id32 lima;

AROUND(begin)
{
	emr_known_person known;

	story_begin(&s);
	story_contract(&s, 2);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_replica_person(s.k.stack.replica, s.lima.public.signer_id, &known));
	lima = EMR_ID32_AT(known.row.root);
}
AROUND_BY(end, story_end(&s))

/* NULL: the rule that stands there. */
static emr_grant_made make_with(uint16_t writes, const char *rule, uint64_t until_unix_s)
{
	const emr_grant_order order = {.domain = s.imaging,
		.grantee = s.lima.public.signer_id,
		.rights = EMR_RIGHTS_READ,
		.writes = writes,
		.replaces = true,
		.rule = rule,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = until_unix_s,
		.label = "Imaging"};
	emr_grant_made made;

	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	return made;
}

static emr_grant_made make(const char *rule, uint64_t until_unix_s)
{
	return make_with(EMR_WRITES_GUARDIAN, rule, until_unix_s);
}

static emr_status find(emr_guardian_grant *out)
{
	return emr_share_guardian_of(begins(s.ana), s.imaging, lima, 0, out);
}

TEST_IN(begin, end, a_rule_stays_with_its_guardian_until_another_is_signed)
{
	const uint64_t until = story_now(&s) + 30 * DAY;
	emr_guardian_grant g;
	uint64_t first;

	assert_status(EMR_NOT_FOUND, find(&g));
	make("3600 00112233445566778899aabbccddeeff", until);
	assert_ok(find(&g));
	assert_string_equal(g.rule, "3600 00112233445566778899aabbccddeeff");
	assert_int_equal(g.grant.row.rights & EMR_GRANT_GUARDIAN, EMR_GRANT_GUARDIAN);
	first = g.grant.seq;
	make(NULL, until + DAY);
	assert_ok(find(&g));
	assert_string_equal(g.rule, "3600 00112233445566778899aabbccddeeff");
	make("", until + DAY);
	assert_ok(find(&g));
	assert_string_equal(g.rule, "");
	assert_ok(emr_share_guardian_of(begins(s.ana), s.imaging, lima, first + 1, &g));
	assert_string_equal(g.rule, "3600 00112233445566778899aabbccddeeff"); /* as it was then */
	story_pass(&s, 32 * DAY);
	assert_status(EMR_NOT_FOUND, find(&g));
}

TEST(a_rule_lets_read_whom_it_names_and_no_longer)
{
	static const char me[] = "1111111111111111111111111111111111111111111111111111111111111111";
	static const struct {
		const char *rule;
		uint16_t roles;
		uint64_t until;
		bool allows;
	} rows[] = {
		{"", EMR_ROLE_CLINICIAN, 100, false},
		{"3600", EMR_ROLE_CLINICIAN, 100, false},
		{"3600 22222222222222222222222222222222", EMR_ROLE_CLINICIAN, 3600, true},
		{"3600 22222222222222222222222222222222", EMR_ROLE_CLINICIAN, 3600 + 601, false},
		{"3600 22222222222222222222222222222222", EMR_ROLE_PATIENT, 100, false},
		{"3600 33333333333333333333333333333333", EMR_ROLE_CLINICIAN, 100, false},
		{"3600 2222222222222222222222222222222", EMR_ROLE_CLINICIAN, 100, false},
		{"3600 222222222222222222222222222222220", EMR_ROLE_CLINICIAN, 100, false},
		{"x 22222222222222222222222222222222", EMR_ROLE_CLINICIAN, 100, false},
		{"99999999999999999999999 22222222222222222222222222222222", EMR_ROLE_CLINICIAN,
			UINT64_MAX, false},
	};
	emr_known_person reader = {.signer_id = {{9}}};
	char rule[200];

	memset(reader.row.root, 0x11, sizeof reader.row.root);
	memset(reader.row.org, 0x22, sizeof reader.row.org);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		reader.row.roles = rows[i].roles;
		if (emr_guardian_allows(rows[i].rule, &reader, 0, rows[i].until) != rows[i].allows)
			fail_msg("row %zu", i);
	}
	reader.row.roles = EMR_ROLE_PATIENT;
	snprintf(rule, sizeof rule, "60 33333333333333333333333333333333 %s", me);
	assert_true(emr_guardian_allows(rule, &reader, 1000, 1060));
	assert_false(emr_guardian_allows(rule, &reader, 1000, 1060 + 601));
	reader.row.root[31] = 0;
	assert_false(emr_guardian_allows(rule, &reader, 1000, 1060));
}

TEST_IN(begin, end, a_guardian_asks_for_another_and_she_reads_for_whom)
{
	emr_share_request_order order = {.owner = {{0}},
		.rights = EMR_RIGHTS_READ,
		.purposes = 1u << CONSULT,
		.until_unix_s = story_now(&s) + DAY,
		.path = "knee",
		.reason = "",
		.name = "",
		.born = "",
		.reader = lima,
		.domain = s.imaging};
	emr_share_request asked;
	emr_public ana;
	emr_id16 id;

	assert_ok(emr_keyring_public(s.k.stack.keyring, &ana));
	order.owner = ana.signer_id;
	assert_ok(emr_share_request_send(begins(s.eve.share), &order, &id));
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_share_request_get(s.ana, id, &asked));
	assert_true(emr_id32_equal(asked.reader, lima));
	assert_true(emr_id16_equal(asked.domain, s.imaging));
	assert_string_equal(asked.path, "knee");
}

/* Of the last end of a share in Ana's folder. */
static emr_guardian_mark last_mark(void)
{
	emr_replica_change change, last = {.op = 0};
	emr_guardian_mark mark;

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	EMR_ASK(asked, s.k.stack.replica, SINCE, .at = 0);
	while (emr_next(&asked, &change))
		if (change.op == EMR_OP_REVOKE && emr_id16_equal(change.domain, s.imaging))
			last = change;
	assert_int_equal(last.op, EMR_OP_REVOKE);
	assert_ok(emr_guardian_mark_of(s.ana, &last, &mark));
	return mark;
}

/* Lima ends what eve reads and writes, and not what only Ana ends. */
TEST_IN(begin, end, a_guardian_ends_what_others_have_and_no_other_guardian)
{
	emr_guardian_mark mark;
	emr_known_grant grant;
	emr_grant_made given;
	emr_known_person eve;
	size_t n = 0;

	given = story_share(&s, &s.eve, 0, false);
	assert_ok(emr_replica_person(s.k.stack.replica, s.eve.public.signer_id, &eve));
	assert_status(EMR_DENIED,
		emr_guardian_end(begins(s.lima.share), s.imaging, EMR_ID32_AT(eve.row.root), &n));
	make("", story_now(&s) + 30 * DAY);
	assert_ok(emr_guardian_end(begins(s.lima.share), s.imaging, EMR_ID32_AT(eve.row.root), &n));
	assert_int_equal(n, 1);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_replica_grant(s.k.stack.replica, s.imaging, given.grant, &grant));
	assert_int_equal(grant.row.head.state, EMR_GRANT_REVOKED);
	mark = last_mark();
	assert_true(emr_id32_equal(mark.guardian, lima));
	assert_true(emr_id32_equal(mark.person, EMR_ID32_AT(eve.row.root)));
	assert_ok(emr_guardian_end(begins(s.lima.share), s.imaging, lima, &n));
	assert_int_equal(n, 0);
	/* It was a guardian who did it, whatever she is later. */
	make_with(EMR_WRITES_ALL, NULL, story_now(&s) + 30 * DAY);
	assert_true(emr_id32_equal(last_mark().guardian, lima));
	make("", story_now(&s) + 30 * DAY);
	story_pass(&s, 31 * DAY);
	assert_status(EMR_DENIED,
		emr_guardian_end(begins(s.lima.share), s.imaging, EMR_ID32_AT(eve.row.root), &n));
}

TESTS(NULL, NULL)
