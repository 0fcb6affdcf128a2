/* These tests are about rights to write: what they allow, what they come with, when they end, and
 * what the ledger itself says to a writer who goes on after that. */
#include "pen_kit.h"

#include "contract/codes.h"
#include "foreign_domain.h"

static story s;

AROUND_BY(begin, story_begin(&s))
AROUND_BY(end, story_end(&s))

/* ---- a writer whose computer does not look at its own rights ---- */

static bool is_reckless;

WRAPPED(emr_status, foreign_domain_may, const foreign_domain *g, const emr_change *change,
	const emr_replica_head *head)
{
	return is_reckless ? EMR_OK : __real_foreign_domain_may(g, change, head);
}

/* Refused here, without a word to the ledger; and by the ledger, with CODE. */
#define REFUSED(p, code, what)                                                                     \
	do {                                                                                       \
		uint64_t before_ = ledger_size();                                                  \
		what;                                                                              \
		assert_ok((p)->status);                                                            \
		assert_status(EMR_DENIED, (p)->last.error);                                        \
		assert_int_equal(ledger_size(), before_);                                          \
		is_reckless = true;                                                                \
		what;                                                                              \
		is_reckless = false;                                                               \
		assert_ok((p)->status);                                                            \
		assert_ok((p)->last.error);                                                        \
		assert_int_equal((p)->last.result, code);                                          \
	} while (0)

static uint64_t ledger_size(void)
{
	uint64_t size = 0;

	assert_ok(emr_ledger_size(s.k.stack.ledger, &size));
	return size;
}

/* ---- sharing ---- */

static emr_status try_allow(const person *with, uint16_t rights, uint16_t writes, uint64_t days,
	bool replaces, emr_grant_made *out)
{
	emr_grant_order order = {.rights = rights,
		.writes = writes,
		.replaces = replaces,
		.purposes = rights != 0 ? 1u << CONSULT : 0,
		.not_after_unix_s = story_now(&s) + days * DAY};

	return story_try_share(&s, with, &order, true, out);
}

static emr_grant_made may_write(const person *with, uint64_t days)
{
	emr_grant_made made;

	assert_ok(try_allow(
		with, EMR_GRANT_LIST | EMR_GRANT_READ, EMR_WRITES_ALL, days, false, &made));
	return made;
}

static emr_grant_made may_leave(const person *with, uint64_t days)
{
	emr_grant_made made;

	assert_ok(try_allow(with, 0, EMR_WRITES_DEPOSIT, days, false, &made));
	return made;
}

/* Returns what M's computer knows of its right in DOMAIN; 255: it has none. */
static int phase_in(person *m, emr_id16 domain, emr_writing *out)
{
	emr_status status;

	story_see(m);
	status = emr_share_writing(m->share, domain, out);
	if (status == EMR_NOT_FOUND)
		return 255;
	assert_ok(status);
	return (int)out->phase;
}

static int phase(person *m)
{
	emr_writing w;

	return phase_in(m, s.imaging, &w);
}

typedef struct listed {
	size_t n, writing, deposits;
	emr_given last;
} listed;

static listed list_in(emr_id16 domain)
{
	EMR_AUTO_BUF all = {0};
	listed l = {0};

	assert_ok(emr_share_given(s.ana, domain, &all));
	EMR_EACH (const emr_given, given, &all) {
		if (given->phase != EMR_GRANT_IN_FORCE)
			continue;
		l.n++;
		l.writing += given->writes != 0;
		l.deposits += emr_given_is_deposit(given);
		l.last = *given;
	}
	return l;
}

/* ---- when they end ---- */

TEST_IN(begin, end, taking_back_ends_reading_and_writing_in_one_entry)
{
	emr_grant_made made;
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble;
	emr_writing w;
	uint64_t size;
	size_t n = 0;
	pen p;

	made = may_write(&s.lima, 7);
	assert_int_equal(list_in(s.imaging).writing, 1);
	pen_open(&s, &p, &s.lima, "lima");
	pen_file(&p, s.imaging, s.imaging, "one.txt", "while it lasted", NULL);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	size = ledger_size();
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.lima.public.signer_id, &n));
	assert_int_equal(n, 1);
	assert_int_equal(ledger_size(), size + 1);
	assert_int_equal(list_in(s.imaging).n, 0);
	assert_int_equal(phase_in(&s.lima, s.imaging, &w), EMR_WRITING_HAS_ENDED);
	assert_int_equal(w.since_unix_s, story_now(&s));
	assert_string_equal(
		w.label, "Imaging"); /* what has ended can still be called by its name */
	assert_status(
		EMR_DENIED, story_read(&s, &s.lima, made.grant, "MRI.pdf", NULL, &bytes, &trouble));
	REFUSED(&p, EMR_RESULT_NOT_AUTHORISED,
		pen_file(&p, s.imaging, s.imaging, "two.txt", "too late", NULL));
	/* Ana's next record is under a key of its own. */
	assert_true(story_is_due(&s, s.imaging));
	kit_save(&s.k, "Imaging/new.txt", "hers");
	assert_false(story_is_due(&s, s.imaging));
	/* By its id, and a deposit by its own. */
	made = may_write(&s.lima, 7);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	assert_int_equal(phase(&s.lima), EMR_WRITING_HAS_ENDED);
	made = may_leave(&s.eve, 7);
	assert_int_equal(list_in(s.imaging).deposits, 1);
	assert_memory_equal(list_in(s.imaging).last.grant.grant.b, made.grant.b, 16);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	assert_status(EMR_DENIED, emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	assert_int_equal(phase(&s.eve), EMR_WRITING_HAS_ENDED);
	made = may_leave(&s.eve, 7);
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.eve.public.signer_id, &n));
	assert_int_equal(n, 1);
	assert_int_equal(phase(&s.eve), EMR_WRITING_HAS_ENDED);
	pen_close(&p);
}

/* ---- several ---- */

TEST_IN(begin, end, one_right_to_write_is_what_the_shares_that_stay_say)
{
	emr_grant_made longer, shorter, made;
	emr_writing w;

	longer = may_write(&s.lima, 20);
	shorter = may_write(&s.lima, 10);
	assert_int_equal(phase_in(&s.lima, s.imaging, &w), EMR_WRITING_IN_FORCE);
	assert_int_equal(w.not_after_unix_s,
		story_now(&s) + 20 * DAY); /* a second share does not shorten the first */
	assert_int_equal(list_in(s.imaging).writing, 2);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, longer.grant));
	assert_int_equal(phase_in(&s.lima, s.imaging, &w), EMR_WRITING_IN_FORCE);
	assert_int_equal(w.not_after_unix_s, story_now(&s) + 10 * DAY);
	/* Reading goes on beside it, and is nothing that writing lasts by. */
	made = story_share(&s, &s.lima, 0, true);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, shorter.grant));
	assert_int_equal(phase(&s.lima), EMR_WRITING_HAS_ENDED);
	assert_int_equal(list_in(s.imaging).n, 1);
	assert_int_equal(list_in(s.imaging).writing, 0);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	/* A wider one takes the place of a narrower; the other way only when it is meant. */
	(void)may_leave(&s.eve, 5);
	(void)may_write(&s.eve, 3);
	assert_int_equal(list_in(s.imaging).deposits, 0);
	assert_status(EMR_EXISTS, try_allow(&s.eve, 0, EMR_WRITES_DEPOSIT, 9, false, &made));
	assert_ok(try_allow(&s.eve, 0, EMR_WRITES_DEPOSIT, 9, true, &made));
	assert_int_equal(phase_in(&s.eve, s.imaging, &w), EMR_WRITING_IN_FORCE);
	assert_int_equal(w.rights, EMR_WRITES_DEPOSIT);
	assert_int_equal(w.not_after_unix_s, story_now(&s) + 9 * DAY);
	assert_int_equal(list_in(s.imaging).deposits, 1);
	assert_status(EMR_INVALID, try_allow(&s.eve, 0, EMR_RIGHT_MANAGE, 9, true, &made));
	assert_status(EMR_INVALID, try_allow(&s.eve, 0, 0, 9, true, &made));
}

TESTS(NULL, NULL)
