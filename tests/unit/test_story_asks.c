/* These tests are about asking somebody for access, and the answers, between keyrings that share
 * nothing but a ledger. */
#include "story_kit.h"

#include "keyring/letters.h"
#include "share/request.h"
#include "share/write.h"

static story s; /* one at a time */

AROUND_BY(begin, story_begin(&s))
AROUND_BY(end, story_end(&s))

typedef struct seen {
	size_t n;
	emr_share_request last;
	emr_share_request_tally tally;
} seen;

static seen look(emr_share *share)
{
	EMR_AUTO_BUF all = {0};
	seen l = {0};

	assert_ok(emr_share_requests(share, &all, &l.tally));
	EMR_EACH (const emr_share_request, asked, &all) {
		l.n += !asked->is_mine;
		l.last = *asked;
	}
	return l;
}

static emr_id32 ana_id(void)
{
	emr_public public;

	assert_ok(emr_keyring_public(s.k.stack.keyring, &public));
	return public.signer_id;
}

static seen ana_looks(void)
{
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	return look(s.ana);
}

static emr_share_request_order to_ana(const char *path, const char *reason)
{
	return (emr_share_request_order){.owner = ana_id(),
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.until_unix_s = story_now(&s) + 30 * DAY,
		.path = path,
		.reason = reason,
		.name = "Dr Paula Lima",
		.born = ""};
}

static emr_id16 ask(const person *who, const char *path, const char *reason)
{
	emr_share_request_order order = to_ana(path, reason);
	emr_id16 id = {{0}};

	assert_ok(emr_share_request_send(begins(who->share), &order, &id));
	return id;
}

TEST_IN(begin, end, a_request_is_read_by_whom_it_is_for_and_nobody_else)
{
	emr_share_request one;
	emr_id16 id;
	seen l;

	id = ask(&s.lima, "Imaging", "second opinion on Thursday");
	l = ana_looks();
	assert_int_equal(l.n, 1);
	assert_int_equal(l.last.state, EMR_SHARE_REQUEST_OPEN);
	assert_string_equal(l.last.path, "Imaging");
	assert_string_equal(l.last.reason, "second opinion on Thursday");
	assert_memory_equal(l.last.from.b, s.lima.public.signer_id.b, 32);
	assert_memory_equal(l.last.request.b, id.b, 16);
	assert_true(l.last.has_card);
	assert_string_equal(l.last.card.name, "Dr Paula Lima");
	assert_int_equal(l.last.purposes, 1u << CONSULT);
	assert_true(l.last.asked_at > 0);
	story_see(&s.eve);
	for (int i = 0; i < 2; i++) /* the second time from memory */
		assert_int_equal(look(s.eve.share).n, 0);
	assert_int_equal(look(s.lima.share).n, 0);
	assert_status(EMR_NOT_FOUND, emr_share_request_get(s.eve.share, id, &one));
	assert_status(EMR_NOT_FOUND, emr_share_request_deny(begins(s.eve.share), id, "no"));
	assert_status(EMR_DENIED, emr_share_request_withdraw(begins(s.eve.share), id));
	assert_ok(emr_share_request_get(s.ana, id, &one));
	assert_string_equal(one.path, "Imaging");
}

TEST_IN(begin, end, a_yes_is_a_grant_and_names_it)
{
	emr_share_request_answer answer;
	emr_grant_made made;
	emr_id16 id;

	id = ask(&s.lima, "Imaging", "");
	assert_ok(emr_share_request_look(s.lima.share, id, &answer));
	assert_int_equal(answer.state, EMR_SHARE_REQUEST_OPEN);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_status(EMR_NOT_FOUND, emr_share_request_approve(begins(s.ana), emr_id16_random(),
					     s.imaging, emr_id16_random()));
	/* a word without a grant is none */
	assert_status(EMR_DENIED,
		emr_share_request_approve(begins(s.ana), id, s.imaging, emr_id16_random()));
	made = story_share(&s, &s.lima, 0, true);
	assert_ok(emr_share_request_approve(begins(s.ana), id, s.imaging, made.grant));
	assert_ok(emr_share_request_approve(
		begins(s.ana), id, s.imaging, made.grant)); /* that is so */
	assert_status(EMR_CONFLICT,
		emr_share_request_approve(begins(s.ana), id, s.imaging, emr_id16_random()));
	assert_status(EMR_CONFLICT, emr_share_request_deny(begins(s.ana), id, ""));
	assert_int_equal(look(s.ana).last.state, EMR_SHARE_REQUEST_APPROVED);
	story_see(&s.lima);
	assert_status(EMR_CONFLICT, emr_share_request_withdraw(begins(s.lima.share), id));
	assert_ok(emr_share_request_look(s.lima.share, id, &answer));
	assert_int_equal(answer.state, EMR_SHARE_REQUEST_APPROVED);
	assert_memory_equal(answer.grant_domain.b, s.imaging.b, 16);
	assert_memory_equal(answer.grant.b, made.grant.b, 16);
	assert_status(EMR_NOT_FOUND, emr_share_request_look(s.eve.share, id, &answer));
}

TEST_IN(begin, end, a_no_carries_its_reason_to_the_asker_alone)
{
	emr_share_request_answer answer;
	emr_id16 id, other;

	id = ask(&s.lima, "Imaging", "");
	other = ask(&s.lima, "", "");
	(void)ana_looks();
	assert_status(EMR_INVALID, emr_share_request_deny(begins(s.ana), id, "two\nlines"));
	assert_ok(emr_share_request_deny(begins(s.ana), id, "ask my daughter first"));
	assert_ok(emr_share_request_deny(begins(s.ana), other, ""));
	story_see(&s.lima);
	assert_ok(emr_share_request_look(s.lima.share, id, &answer));
	assert_int_equal(answer.state, EMR_SHARE_REQUEST_DENIED);
	assert_string_equal(answer.reason, "ask my daughter first");
	assert_ok(emr_share_request_look(s.lima.share, other, &answer));
	assert_string_equal(answer.reason, "");
	assert_status(EMR_NOT_FOUND, emr_share_request_look(s.eve.share, id, &answer));
}

TEST_IN(begin, end, what_was_taken_back_or_is_old_is_shown_no_more)
{
	emr_share_request_answer answer;
	emr_id16 id, answered;

	id = ask(&s.lima, "Imaging", "");
	assert_int_equal(ana_looks().n, 1);
	assert_ok(emr_share_request_withdraw(begins(s.lima.share), id));
	assert_status(EMR_CONFLICT, emr_share_request_withdraw(begins(s.lima.share), id));
	assert_int_equal(ana_looks().n, 0);
	assert_status(EMR_CONFLICT, emr_share_request_deny(begins(s.ana), id, ""));
	assert_ok(emr_share_request_look(s.lima.share, id, &answer));
	assert_int_equal(answer.state, EMR_SHARE_REQUEST_WITHDRAWN);
	answered = ask(&s.lima, "Imaging", "");
	(void)ask(&s.eve, "Imaging", "");
	(void)ana_looks();
	assert_ok(emr_share_request_deny(begins(s.ana), answered, ""));
	assert_int_equal(look(s.ana).n, 2);
	story_pass(&s, EMR_SHARE_REQUEST_ANSWERED_S + DAY);
	assert_int_equal(look(s.ana).n, 1);
	story_pass(&s, EMR_SHARE_REQUEST_OPEN_S);
	assert_int_equal(look(s.ana).n, 0);
}

TEST_IN(begin, end, a_flood_of_one_hides_nobody_else)
{
	emr_share_request_order order;
	emr_id16 id;
	seen l;

	(void)ask(&s.eve, "Letters", "");
	for (int i = 0; i < EMR_SHARE_REQUESTS_OPEN_MAX + 4; i++) {
		char reason[16];

		story_pass(&s, 1);
		(void)snprintf(reason, sizeof reason, "number %d", i);
		(void)ask(&s.lima, "Imaging", reason);
	}
	l = ana_looks();
	assert_int_equal(l.n, EMR_SHARE_REQUESTS_OPEN_MAX + 1);
	assert_int_equal(l.tally.held_back, 4);
	assert_string_equal(l.last.reason, "number 8"); /* the newest are kept, and told last */
	order = to_ana("", "");
	order.owner = s.lima.public.signer_id;
	assert_status(EMR_INVALID, emr_share_request_send(begins(s.lima.share), &order, &id));
	order.owner.b[0] ^= 1;
	assert_status(EMR_NOT_FOUND, emr_share_request_send(begins(s.lima.share), &order, &id));
	order = to_ana("a\xe2\x80\xae"
		       "fdp.exe",
		"");
	assert_status(EMR_INVALID, emr_share_request_send(begins(s.lima.share), &order, &id));
	order = to_ana("", "");
	order.purposes = 0;
	assert_status(EMR_INVALID, emr_share_request_send(begins(s.lima.share), &order, &id));
	order = to_ana("", "");
	order.until_unix_s = story_now(&s);
	assert_status(EMR_INVALID, emr_share_request_send(begins(s.lima.share), &order, &id));
}

/* ---- a program of the asker's own ---- */

static const emr_request_body *instead; /* what it seals; NULL: what was asked for */

WRAPPED(emr_status, emr_request_part_seal, emr_bytes request_item, const uint8_t to_box[32],
	const emr_request_body *body, emr_buf *out_part)
{
	emr_request_body lie = *body;

	if (instead != NULL) {
		lie.rights = instead->rights;
		lie.purposes = instead->purposes;
		lie.until = instead->until;
	}
	return __real_emr_request_part_seal(request_item, to_box, &lie, out_part);
}

/* A person who says yes is told one of three words, some purposes and a day: anything else in the
 * letter would be given with it, unsaid. */
TEST_IN(begin, end, a_request_asks_for_nothing_that_its_words_do_not_say)
{
#define WRITES(bits) ((uint16_t)((bits) << 8))
	static const struct {
		const char *name;
		uint16_t rights;
		uint32_t purposes;
		uint64_t until; /* 0: in a month */
		bool is_shown;
	} rows[] = {
		{"read", EMR_RIGHTS_READ, 1, 0, true},
		{"write", EMR_RIGHTS_WRITE, 1, 0, true},
		{"deposit", EMR_RIGHTS_DEPOSIT, 1, 0, true},
		{"every purpose", EMR_RIGHTS_READ, EMR_PURPOSES_ALL, 0, true},
		{"for ever", EMR_RIGHTS_READ, 1, EMR_REQUEST_UNTIL_MAX, true},
		{"beyond the last year", EMR_RIGHTS_READ, 1, EMR_REQUEST_UNTIL_MAX + 1, false},
		{"as late as a number can be", EMR_RIGHTS_READ, 1, UINT64_MAX, false},
		{"nothing", 0, 1, 0, false},
		{"read, and what has no name", EMR_RIGHTS_READ | 4, 1, 0, false},
		{"write, and what has no name", EMR_RIGHTS_WRITE | 4, 1, 0, false},
		{"what has no name", 4, 1, 0, false},
		{"names alone", EMR_GRANT_LIST, 1, 0, false},
		{"contents alone", EMR_GRANT_READ, 1, 0, false},
		{"deposit, and change what others left",
			EMR_RIGHTS_DEPOSIT | WRITES(EMR_RIGHT_META | EMR_RIGHT_ANY), 1, 0, false},
		{"change, seeing nothing", WRITES(EMR_WRITES_ALL), 1, 0, false},
		{"act for her", EMR_RIGHTS_GUARDIAN, 1, 0, false},
		{"write but of one's own", EMR_RIGHTS_READ | WRITES(EMR_RIGHT_PUT), 1, 0, false},
		{"manage", EMR_RIGHTS_READ | WRITES(EMR_RIGHT_MANAGE), 1, 0, false},
		{"all there is", UINT16_MAX, 1, 0, false},
		{"no purpose", EMR_RIGHTS_READ, 0, 0, false},
		{"a purpose that has no name", EMR_RIGHTS_READ, EMR_PURPOSES_ALL + 1, 0, false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		emr_request_body lie = {.rights = rows[i].rights,
			.purposes = rows[i].purposes,
			.until = rows[i].until != 0 ? rows[i].until : story_now(&s) + 30 * DAY};
		emr_id16 id;
		seen l;

		instead = &lie;
		id = ask(&s.lima, "Imaging", rows[i].name);
		instead = NULL;
		l = ana_looks();
		if (l.n != (rows[i].is_shown ? 1 : 0))
			fail_msg("%s: %zu requests", rows[i].name, l.n);
		if (rows[i].is_shown)
			assert_int_equal(l.last.rights, rows[i].rights);
		assert_ok(emr_share_request_withdraw(begins(s.lima.share), id));
	}
#undef WRITES
}

TESTS(NULL, NULL)
