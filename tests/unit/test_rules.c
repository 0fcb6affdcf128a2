/* These tests are about the rules of a network: how the text is read, and what holds after
 * members have agreed. */
#include "folk_kit.h"
#include "ledger/hash.h"
#include "replica/rules.h"

static emr_status parse(const char *text, emr_rules *out, unsigned *out_line)
{
	return emr_rules_parse(emr_bytes_of(text, strlen(text)), out, out_line);
}

TEST(names_that_are_known_are_read_and_others_are_not_minded)
{
	emr_rules rules;

	assert_ok(parse("# of the members\n\n slots-a-day = 300 "
			"\ndeposit-bytes=1048576\ndeposits-a-day = 7\n"
			"not-known-yet = anything at all, \xc3\xa9\nwitnesses = 2\n",
		&rules, NULL));
	assert_int_equal(rules.slots_a_day, 300);
	assert_int_equal(rules.deposit_bytes, 1048576);
	assert_int_equal(rules.deposits_a_day, 7);
	assert_int_equal(rules.unknown_line, 6); /* nothing enforces it, and nobody proposes it */
	assert_int_equal(rules.copies, 1);
}

TEST(one_value_is_set_and_all_else_stays)
{
	static const char *const before[] = {"", "# ours\nnew = 1\n deposits-a-day= 7\ncopies = 2",
		"# deposits-a-day = 7\nnot-deposits-a-day = 7\n"};
	static const char *const after[] = {"deposits-a-day = 10000\n",
		"# ours\nnew = 1\ncopies = 2\ndeposits-a-day = 10000\n",
		"# deposits-a-day = 7\nnot-deposits-a-day = 7\ndeposits-a-day = 10000\n"};

	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		EMR_AUTO_BUF out = {0};

		assert_ok(emr_rules_set(
			emr_bytes_of(before[i], strlen(before[i])), "deposits-a-day", 10000, &out));
		assert_int_equal(out.len, strlen(after[i]));
		assert_memory_equal(out.data, after[i], out.len);
	}
}

TEST(without_a_line_the_usual_holds)
{
	emr_rules rules = {0};

	assert_ok(parse("", &rules, NULL));
	assert_int_equal(rules.slots_a_day, 20000);
	assert_true(rules.deposit_bytes == UINT64_C(4294967296));
	assert_int_equal(rules.deposits_a_day, 200);
}

TEST(text_that_two_could_read_differently_is_refused)
{
	static const struct {
		const char *text;
		unsigned line;
	} bad[] = {{"slots-a-day = 1\nslots-a-day = 2\n", 2}, {"slots-a-day\n", 1},
		{"slots-a-day =\n", 1}, {"= 5\n", 1}, {"slots-a-day = 05\n", 1},
		{"slots-a-day = 0x5\n", 1}, {"slots-a-day = -1\n", 1},
		{"slots-a-day = 5 a day\n", 1}, {"slots-a-day = 4294967296\n", 1},
		{"deposit-bytes = 4 GiB\n", 1}, {"deposit-bytes = 18446744073709551615\n", 1},
		{"deposit-bytes = 99999999999999999999\n", 1}, {"deposit-bytes = none\n", 1},
		{"Slots-a-day = 5\n", 1}, {"slots a day = 5\n", 1},
		{"ok = 1\nslots-a-day = 5\r\n", 2}, {"ok = \x1b[2J\n", 1}, {"ok = \xff\n", 1},
		{"# \xe2\x80\xae\n", 1}, {"# 1\n# \xe2\x80\x8b\n", 2}, {"ok = \xef\xbb\xbf\n", 1},
		{"ok = \xe2\x81\xa6\n", 1}, {"ok = \xf3\xa0\x80\xa1\n", 1}, {"ok = \xc0\x80\n", 1},
		{"ok = \xed\xa0\x80\n", 1}, {"ok = \xc2\x85\n", 1}, {"\tok = 1\n", 1},
		{"ok = \xc2\xad\n", 1}, {"ok = \xe3\x85\xa4\n", 1}, {"new = 1\n#\nnew = 2", 3}};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		emr_rules rules = {.slots_a_day = 77};
		unsigned line = 0;

		assert_status(EMR_INVALID, parse(bad[i].text, &rules, &line));
		assert_int_equal(bad[i].line, line);
		assert_int_equal(rules.slots_a_day, 77);
	}
}

TEST(a_text_beyond_its_size_is_refused)
{
	EMR_AUTO_BUF text = {0};
	emr_rules rules;

	for (size_t i = 0; i < EMR_RULES_TEXT_MAX; i++)
		assert_ok(emr_buf_append(&text, "\n", 1));
	assert_ok(emr_rules_parse(emr_buf_view(&text), &rules, NULL));
	assert_ok(emr_buf_append(&text, "\n", 1));
	assert_status(EMR_INVALID, emr_rules_parse(emr_buf_view(&text), &rules, NULL));
}

/* ---- agreed on ---- */

static int propose(const char *text, uint8_t quorum, emr_id16 *out_proposal)
{
	EMR_AUTO_BUF part = {0};
	emr_bytes bytes = emr_bytes_of(text, strlen(text));
	emr_id32 salt = emr_id32_random(), hash = emr_sha256_of(&bytes, 1);
	emr_pub_org_propose what = {
		.kind = EMR_PROPOSAL_RULES, .quorum = quorum, .not_after_unix_s = now + 9 * DAY};

	memcpy(what.subject, hash.b, 32);
	assert_ok(emr_buf_append(&part, salt.b, sizeof salt.b));
	assert_ok(emr_buf_append(&part, bytes.data, bytes.len));
	*out_proposal = emr_id16_random();
	return folk_say(&ana, emr_act_propose(*out_proposal, &what), emr_buf_view(&part));
}

/* Two members: both must approve. */
static void both_approve(emr_id16 proposal, int of_the_second)
{
	assert_applied(folk_say(&ana, emr_act_approve_proposal(proposal, home), folk_nothing()));
	assert_int_equal(of_the_second,
		folk_say(&boss, emr_act_approve_proposal(proposal, clinic), folk_nothing()));
	folk_see(&agent);
	folk_see(&lima);
}

TEST_IN(folk_with_clinic, folk_end, rules_hold_for_everybody_when_enough_have_approved)
{
	EMR_AUTO_BUF text = {0};
	emr_id16 proposal;
	emr_rules rules;
	emr_row_network network;
	bool is_read = false;

	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss.clinic"));
	assert_applied(propose("slots-a-day = 12\n", 2, &proposal));
	assert_applied(folk_say(&ana, emr_act_approve_proposal(proposal, home), folk_nothing()));
	folk_see(&agent);
	assert_ok(emr_rules_in_force(agent.replica, &rules, &text, &is_read));
	assert_int_equal(rules.slots_a_day, 20000); /* one of two */
	assert_true(is_read);
	assert_int_equal(text.len, 0);
	assert_applied(folk_say(&boss, emr_act_approve_proposal(proposal, clinic), folk_nothing()));
	folk_see(&agent);
	assert_ok(emr_rules_in_force(agent.replica, &rules, &text, &is_read));
	assert_int_equal(rules.slots_a_day, 12);
	assert_true(is_read);
	assert_int_equal(text.len, strlen("slots-a-day = 12\n"));
	assert_ok(emr_replica_network(agent.replica, &network));
	assert_int_equal(network.quorum, 2);
	/* The next text takes the place of the whole one before. */
	assert_applied(propose("deposits-a-day = 3\n", 0, &proposal));
	both_approve(proposal, EMR_RESULT_APPLIED);
	assert_ok(emr_rules_in_force(lima.replica, &rules, NULL, NULL));
	assert_int_equal(rules.slots_a_day, 20000);
	assert_int_equal(rules.deposits_a_day, 3);
}

TEST_IN(folk_with_clinic, folk_end, more_approvals_than_there_are_members_are_refused)
{
	emr_id16 proposal;
	emr_row_network network;

	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss.clinic"));
	assert_applied(propose("slots-a-day = 12\n", 3, &proposal));
	both_approve(proposal, EMR_RESULT_RULES);
	assert_ok(emr_replica_network(agent.replica, &network));
	assert_int_equal(network.quorum, 0);
}

TEST_IN(folk_with_clinic, folk_end, what_nobody_can_read_leaves_the_usual_limits)
{
	EMR_AUTO_BUF text = {0};
	emr_id16 proposal;
	emr_rules rules;
	bool is_read = true;

	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss.clinic"));
	assert_applied(propose("slots-a-day = many\n", 0, &proposal)); /* another program's */
	both_approve(proposal, EMR_RESULT_APPLIED);
	assert_ok(emr_rules_in_force(agent.replica, &rules, &text, &is_read));
	assert_int_equal(rules.slots_a_day, 20000);
	assert_false(is_read);
}

static emr_known_votes votes_of(emr_id16 proposal, emr_id16 org)
{
	emr_known_votes votes;

	folk_see(&agent);
	assert_ok(emr_replica_votes(agent.replica, proposal, org, &votes));
	return votes;
}

/* All approvals stand at one place, where the newest is found, with its own version. */
static void see_newest(emr_id16 proposal, emr_id32 signer, uint64_t version)
{
	emr_replica_change change;
	emr_replica_item item;
	uint64_t seen = 0;

	EMR_ASK(there, agent.replica, HISTORY, .family = EMR_FAMILY_APPROVAL, .object = proposal);
	assert_true(emr_next(&there, &item) && emr_id32_equal(item.signer_id, signer));
	assert_false(emr_next(&there, &item));
	EMR_ASK(all, agent.replica, SINCE);
	while (emr_next(&all, &change))
		seen = change.op == EMR_OP_ORG_APPROVE ? change.version : seen;
	assert_int_equal(seen, version);
}

/* Somebody stole an administrator's key, and approved with it. */
TEST_IN(folk_with_clinic, folk_end, what_a_revoked_key_approved_is_in_nobodys_way)
{
	emr_id16 proposal, other;
	emr_known_votes votes;
	emr_rules rules;
	member next;

	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss@clinic"));
	assert_applied(propose("slots-a-day = 12\n", 0, &proposal));
	assert_applied(folk_say(&boss, emr_act_approve_proposal(proposal, clinic), folk_nothing()));
	votes = votes_of(proposal, clinic);
	assert_true(votes.have == 1 && votes.is_ours && !votes.is_over && !votes.is_done);
	assert_applied(
		folk_say(&boss, emr_act_key_revoke(boss.public.signer_id, now, 0), folk_nothing()));
	votes = votes_of(proposal, clinic);
	assert_true(votes.have == 0 && !votes.is_ours && !votes.is_over);
	assert_applied(folk_say(&ana, emr_act_approve_proposal(proposal, home), folk_nothing()));
	votes = votes_of(proposal, home);
	assert_true(votes.have == 1 && votes.is_ours && !votes.is_done);
	assert_ok(emr_rules_in_force(agent.replica, &rules, NULL, NULL));
	assert_int_equal(rules.slots_a_day, 20000);
	/* The organisation says it again, by somebody else. */
	folk_create(&next, "next");
	assert_applied(folk_register_in_clinic(&next, EMR_ROLE_ORG_ADMIN, "next@clinic"));
	assert_applied(folk_say(&next, emr_act_approve_proposal(proposal, clinic), folk_nothing()));
	votes = votes_of(proposal, clinic);
	assert_true(votes.have == 2 && votes.is_ours && votes.is_done);
	see_newest(proposal, next.public.signer_id, 2);
	assert_ok(emr_rules_in_force(agent.replica, &rules, NULL, NULL));
	assert_int_equal(rules.slots_a_day, 12);
	assert_applied(propose("slots-a-day = 13\n", 0, &other));
	assert_applied(
		folk_say(&ana, emr_act_key_revoke(ana.public.signer_id, now, 0), folk_nothing()));
	assert_true(votes_of(other, home).is_over);
	folk_close_member(&next, false);
}

TESTS(NULL, NULL)
