/* These tests are about the readers of a dataset: each signs the agreement that the terms name, by
 * a key of that reader's own, and is admitted until a day. The steward alone lets nobody in. */
#include "datasets_kit.h"

#include "contract/codes.h"
#include "ledger/hash.h"
#include "share/request.h"
#include "share/write.h"

#define TERMS(until)                                                                               \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"" until              \
	"\",\"data\":\"identified\",\"agreement\":\"" DATASET_AGREEMENT_HASH "\"}"

static bool reader_cheats; /* his own program does not look at the agreement */

WRAPPED(emr_status, emr_team_reader, emr_replica *replica, const emr_team *team, emr_id32 root,
	emr_membership *out)
{
	return reader_cheats ? emr_team_membership(replica, team->id, root, out)
			     : __real_emr_team_reader(replica, team, root, out);
}

static void honest_owner_answers(story *s)
{
	reader_cheats = false;
	(void)story_owner(s);
	reader_cheats = true;
}

static emr_received received_by(person *m)
{
	EMR_AUTO_BUF all = {0};
	emr_received last = {.via = {{0}}};

	story_see(m);
	assert_ok(emr_share_received(m->share, &all, NULL));
	EMR_EACH (const emr_received, received, &all)
		last = *received;
	return last;
}

/* Eve, who cheats, gets NAME: EMR_OK; or *OUT_CODE is what she is told. */
static emr_status cheats(story *s, emr_grant_made made, const char *name, uint8_t *out_code)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble = {0};
	emr_status status;

	reader_cheats = true;
	received_by(&s->eve);
	status = story_read(s, &s->eve, made.grant, name, honest_owner_answers, &bytes, &trouble);
	reader_cheats = false;
	*out_code = trouble.code;
	return status;
}

static emr_team team_of(person *m, const called *d)
{
	emr_team team;

	story_see(m);
	assert_ok(emr_team_get(m->replica, d->id, &team));
	return team;
}

/* The request by which M signs the agreement of D. */
static emr_id16 signs(const called *d, person *m)
{
	const emr_team team = team_of(m, d);
	emr_share_request_order order = {.owner = EMR_ID32_AT(team.row.steward),
		.rights = EMR_RIGHTS_READ,
		.purposes = 1u << RESEARCH,
		.until_unix_s = story_now(d->s) + DAY,
		.path = "dataset:knees",
		.reason = "",
		.name = "",
		.born = ""};
	emr_id16 request;

	order.agreement = emr_agreement_salt(&team);
	assert_ok(emr_share_request_send(m->share, &order, &request));
	assert_ok(emr_replica_catch_up(d->s->k.stack.replica, NULL, NULL, NULL));
	story_see(m);
	return request;
}

static uint64_t signed_at(const called *d, person *m)
{
	const emr_team team = team_of(m, d);
	uint64_t at = 1;

	assert_ok(emr_agreement_signed(m->replica, &team, m->public.signer_id, &at));
	return at;
}

TEST(who_has_not_signed_gets_no_key_whatever_the_steward_says)
{
	emr_grant_made made;
	emr_id16 request;
	uint8_t code;
	STORY_DATASET(TERMS("2090-01-01"), 0);
	dataset_admit(&d, &s.eve);
	made = dataset_join(&d);
	assert_int_equal(received_by(&s.eve).phase, EMR_GRANT_IS_OVER);
	assert_int_not_equal(cheats(&s, made, "MRI.pdf", &code), EMR_OK);
	assert_int_equal(code, EMR_RESULT_NOT_GRANTEE);
	assert_int_equal(signed_at(&d, &s.eve), 0);
	(void)signs(&d, &s.lima); /* another's signature is none of hers */
	assert_int_equal(signed_at(&d, &s.eve), 0);
	request = signs(&d, &s.eve);
	assert_int_not_equal(signed_at(&d, &s.eve), 0);
	assert_int_equal(received_by(&s.eve).phase, EMR_GRANT_IN_FORCE);
	assert_ok(cheats(&s, made, "MRI.pdf", &code));
	/* It was signed, whatever becomes of the request. */
	assert_ok(emr_share_request_withdraw(s.eve.share, request));
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_int_not_equal(signed_at(&d, &s.eve), 0);
	assert_ok(cheats(&s, made, "CT.pdf", &code));
}

TEST(an_agreement_that_was_signed_for_other_terms_or_another_name_counts_for_nothing_else)
{
	STORY_DATASET(TERMS("2090-01-01"), 0);
	AUTO(called_end) called later, other, same;

	(void)signs(&d, &s.eve);
	assert_int_not_equal(signed_at(&d, &s.eve), 0);
	dataset_call_on(&later, &s, TERMS("2091-01-01"), d.id, 0);
	assert_int_equal(signed_at(&later, &s.eve), 0);
	dataset_call_named(&other, &s, "hips", TERMS("2090-01-01"));
	assert_int_equal(signed_at(&other, &s.eve), 0);
	/* With another key of the dataset, after a reader was let out, it goes on. */
	dataset_call_on(&same, &s, TERMS("2090-01-01"), d.id, 0);
	assert_int_not_equal(signed_at(&same, &s.eve), 0);
}

TEST(a_text_that_is_not_the_one_of_the_terms_is_no_dataset)
{
	emr_terms terms;
	const char *what;
	const char *file = TERMS("2090-01-01");

	assert_ok(emr_terms_parse(emr_bytes_of(file, strlen(file)), &terms, &what));
	assert_true(emr_agreement_ok(
		&terms, emr_bytes_of(DATASET_AGREEMENT, strlen(DATASET_AGREEMENT))));
	assert_false(emr_agreement_ok(
		&terms, emr_bytes_of(DATASET_AGREEMENT "!", strlen(DATASET_AGREEMENT) + 1)));
	assert_false(emr_agreement_ok(&terms, (emr_bytes){0}));
}

TEST(a_text_that_would_move_the_terminal_is_no_agreement)
{
	static const char text[] = "I agree.\n\033[2Jto nothing\n";
	emr_terms terms = {.price = 0};
	const emr_bytes bytes = emr_bytes_of(text, sizeof text - 1);
	emr_id32 hash = emr_sha256_of(&bytes, 1);

	emr_hex(hash.b, sizeof hash.b, terms.words[EMR_TERMS_AGREEMENT]);
	assert_false(emr_agreement_ok(&terms, bytes));
}

TEST(an_admission_ends_on_its_day_and_another_one_moves_that)
{
	const uint64_t day = 86400;
	emr_grant_made made;
	uint64_t end;
	uint8_t code;
	STORY_DATASET(TERMS("2090-01-01"), 0);
	(void)signs(&d, &s.eve);
	end = story_now(&s) + 2 * day;
	dataset_admit_until(&d, &s.eve, end);
	made = dataset_join(&d);
	assert_int_equal(received_by(&s.eve).phase, EMR_GRANT_IN_FORCE);
	assert_int_equal(received_by(&s.eve).grant.row.not_after_unix_s, end);
	assert_ok(cheats(&s, made, "MRI.pdf", &code));
	story_pass(&s, 2 * day);
	assert_int_equal(received_by(&s.eve).phase, EMR_GRANT_IS_OVER);
	assert_int_equal(received_by(&s.eve).grant.row.not_after_unix_s, end);
	assert_int_not_equal(cheats(&s, made, "CT.pdf", &code), EMR_OK);
	dataset_admit_until(&d, &s.eve, end + 2 * day);
	assert_int_equal(received_by(&s.eve).phase, EMR_GRANT_IN_FORCE);
	assert_int_equal(received_by(&s.eve).grant.row.not_after_unix_s, end + 2 * day);
	assert_ok(cheats(&s, made, "CT.pdf", &code));
}

TESTS(NULL, NULL)
