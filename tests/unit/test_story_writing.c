/* These tests are about people who write in somebody else's folder: what of it outlives a kill, a
 * lost answer and a new epoch, and what a person who has only a card leaves in an Inbox. */
#include "pen_kit.h"

#include <time.h>

#include "contract/codes.h"

#include "share_private.h"

/* ---- a ledger that is overtaken, fails, or answers into the void ---- */

static void (*before_submit)(void); /* once */
static void (*after_submit)(void);  /* once: before anybody looks what the ledger has */
static int fail_before, fail_after; /* the next submission: not sent; sent, and the answer lost */

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	void (*before)(void) = before_submit;
	emr_status status;

	before_submit = NULL;
	if (before != NULL)
		before();
	if (fail_before > 0 && fail_before-- > 0)
		return EMR_IO;
	status = __real_emr_ledger_submit(ledger, batch, out_answer);
	if (after_submit != NULL)
		after_submit();
	after_submit = NULL;
	return fail_after > 0 && fail_after-- > 0 ? EMR_IO : status;
}

/* ---- the folder ---- */

static story s;

AROUND_BY(begin, story_begin(&s))
AROUND_BY(end, story_end(&s))

static emr_grant_made allow(const person *with, uint16_t rights, uint16_t writes)
{
	emr_grant_made made;
	emr_grant_order order = {.rights = rights,
		.writes = writes,
		.purposes = rights != 0 ? 1u << CONSULT : 0,
		.not_after_unix_s = story_now(&s) + 7 * DAY};

	assert_ok(story_try_share(&s, with, &order, true, &made));
	return made;
}

static uint64_t ledger_size(void)
{
	uint64_t size = 0;

	assert_ok(emr_ledger_size(s.k.stack.ledger, &size));
	return size;
}

static void assert_applied(const pen *p)
{
	assert_ok(p->status);
	assert_int_equal(p->outcomes, 1);
	assert_ok(p->last.error);
	assert_int_equal(p->last.result, EMR_RESULT_APPLIED);
}

static emr_status take_part(void *arg, size_t index, emr_bytes part)
{
	(void)index;
	return emr_buf_append(arg, part.data, part.len);
}

/* With all that is on the ledger, and every key that M's keyring can make. */
static void assert_opens_nothing(person *m)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF plain = {0};
	emr_replica_head one, head = {.pversion = 0};
	emr_put_part put;
	emr_part_key at = {.family = EMR_FAMILY_OBJECT, .domain = s.imaging};
	emr_list_key *own;
	emr_content_key *key;
	uint8_t aad[EMR_META_AAD_BYTES], ctx[32];
	emr_id32 digest;

	EMR_ASK(asked, s.k.stack.replica, HEADS, .domain = s.imaging);
	while (emr_next(&asked, &one))
		head = one.pversion != 0 ? one : head;
	assert_ok(asked.status);
	at.object = head.object;
	at.version = head.pversion;
	assert_ok(emr_ledger_fetch(m->ledger, &at, 1, take_part, &bytes));
	assert_ok(emr_put_part_decode(emr_buf_view(&bytes), &put));
	assert_ok(emr_share_own_list_key(m->share, s.imaging, head.epoch, &own));
	emr_meta_aad(s.imaging, head.object, head.pversion, head.epoch, put.listkey_id, aad);
	assert_ok(emr_buf_append_zeros(&plain, put.meta_ct.len));
	assert_status(EMR_DAMAGED, emr_list_key_open_meta(own, head.object, put.nonce,
					   emr_bytes_of(aad, sizeof aad), put.meta_ct, plain.data));
	emr_list_key_free(own);
	memcpy(digest.b, put.root.b + 4, sizeof digest.b);
	emr_capsule_ctx(
		s.imaging, head.epoch, put.record_id, put.cver, EMR_CAPSULE_CONTENT, digest, ctx);
	assert_status(EMR_DAMAGED, emr_content_key_unwrap(m->keyring, s.imaging, head.epoch, ctx,
					   put.capsule, put.wdek, &key));
}

TEST_IN(begin, end, whoever_may_only_leave_things_reads_nothing)
{
	EMR_AUTO_BUF none = {0};
	emr_shared *shared;
	emr_writing writing;
	emr_id16 left;
	pen p;

	(void)allow(&s.eve, 0, EMR_WRITES_DEPOSIT);
	pen_open(&s, &p, &s.eve, "eve");
	story_see(&s.eve);
	assert_ok(emr_share_writing(s.eve.share, s.imaging, &writing));
	assert_false(emr_writing_may_change(&writing));
	assert_opens_nothing(&s.eve);
	pen_file(&p, s.imaging, s.imaging, "result.txt", "haemoglobin", &left);
	assert_applied(&p);
	kit_publish_all(&s.k);
	kit_expect_text(&s.k, "Imaging/result.txt", "haemoglobin");
	/* There is no grant to ask with. */
	assert_ok(emr_share_received(s.eve.share, &none, NULL));
	assert_int_equal(none.len, 0);
	assert_status(EMR_DENIED, emr_shared_open(s.eve.share, s.imaging, emr_id16_random(),
					  CONSULT, EMR_READER_PERSON, &shared, NULL));
	/* Not even what she left can be changed, moved or taken away. */
	pen_unlink(&p, s.imaging, left);
	assert_status(EMR_DENIED, p.last.error);
	pen_rename_blindly(&p, s.imaging, left, s.imaging, "other.txt");
	assert_status(EMR_DENIED, p.last.error);
	pen_dir(&p, s.imaging, s.imaging, "Folder", NULL);
	assert_status(EMR_DENIED, p.last.error);
	pen_close(&p);
}

static void new_epoch(void)
{
	assert_ok(emr_share_begin_epoch(begins(s.ana), s.imaging));
}

TEST_IN(begin, end, an_epoch_that_began_meanwhile_is_written_under)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble;
	emr_grant_made made;
	uint64_t size;
	pen p;

	made = allow(&s.lima, EMR_GRANT_LIST | EMR_GRANT_READ, EMR_WRITES_ALL);
	pen_open(&s, &p, &s.lima, "lima");
	pen_file(&p, s.imaging, s.imaging, "one.txt", "in the first", NULL);
	assert_applied(&p);
	size = ledger_size();
	before_submit = new_epoch;
	pen_file(&p, s.imaging, s.imaging, "two.txt", "in the second", NULL);
	assert_applied(&p);
	assert_int_equal(ledger_size(),
		size + 3); /* ana's, the one that came too late, and the one that was taken */
	kit_publish_all(&s.k);
	kit_expect_text(&s.k, "Imaging/one.txt", "in the first");
	kit_expect_text(&s.k, "Imaging/two.txt", "in the second");
	assert_ok(story_read(&s, &s.lima, made.grant, "two.txt", all_agents, &bytes, &trouble));
	assert_memory_equal(bytes.data, "in the second", bytes.len);
	pen_close(&p);
}

TEST_IN(begin, end, what_a_writer_sent_is_there_once_after_a_kill_and_a_lost_answer)
{
	uint64_t size;
	pen p;

	(void)allow(&s.lima, EMR_GRANT_LIST | EMR_GRANT_READ, EMR_WRITES_ALL);
	pen_open(&s, &p, &s.lima, "lima");
	fail_before = 1;
	pen_file(&p, s.imaging, s.imaging, "one.txt", "never sent before", NULL);
	assert_status(EMR_IO, p.status);
	assert_int_equal(p.outcomes, 0);
	pen_restart(&p);
	pen_resend(&p);
	assert_applied(&p);
	fail_after = 1;
	pen_file(&p, s.imaging, s.imaging, "two.txt", "sent, and not answered", NULL);
	assert_status(EMR_IO, p.status);
	pen_restart(&p);
	size = ledger_size();
	pen_resend(&p);
	assert_ok(p.status);
	assert_int_equal(p.outcomes, 1);
	assert_true(p.last.result <= EMR_RESULT_ALREADY);
	assert_int_equal(ledger_size(), size);
	pen_resend(&p);
	assert_int_equal(p.outcomes, 0);
	kit_publish_all(&s.k);
	kit_expect_text(&s.k, "Imaging/one.txt", "never sent before");
	kit_expect_text(&s.k, "Imaging/two.txt", "sent, and not answered");
	assert_false(kit_exists(&s.k, "Imaging/two~1.txt"));
	pen_close(&p);
}

/* ---- an Inbox ---- */

static void card_of(emr_id16 domain, emr_buf *out)
{
	assert_ok(emr_card_make_domain(s.k.stack.keyring, emr_ledger_net_id(s.k.stack.ledger),
		domain, 1, 1, story_now(&s), story_now(&s) + DAY, "Ana Silva", "1984-03-12", out));
}

TEST_IN(begin, end, a_clinician_with_the_card_leaves_things_in_an_inbox_and_nobody_else_does)
{
	EMR_AUTO_BUF card = {0};
	EMR_AUTO_BUF wrong = {0};
	emr_writing writing;
	emr_id16 inbox;
	char path[64];
	time_t now;
	person porter = {0};
	pen p, q;

	kit_wait_for_noon(&s.k);
	now = (time_t)story_now(&s);
	inbox = story_place_called(&s, "Inbox").domain;
	card_of(inbox, &card);
	card_of(s.imaging, &wrong);
	pen_open(&s, &p, &s.lima, "lima");
	story_see(&s.lima);
	assert_ok(emr_share_writing_by_card(s.lima.share, emr_buf_view(&card), &writing));
	assert_true(writing.by_role && writing.is_inbox && !emr_writing_may_change(&writing));
	assert_status(EMR_NOT_FOUND, emr_share_writing(s.lima.share, inbox, &writing));
	pen_deposit(&p, inbox, emr_buf_view(&card), "result.txt", "sodium 140");
	assert_applied(&p);
	pen_deposit(&p, inbox, (emr_bytes){0}, "without.txt", "no card");
	assert_status(EMR_DENIED, p.last.error);
	pen_deposit(&p, s.imaging, emr_buf_view(&wrong), "beside.txt", "not an inbox");
	assert_status(EMR_DENIED, p.last.error);
	card.data[100] ^= 1;
	pen_deposit(&p, inbox, emr_buf_view(&card), "forged.txt", "a card that nobody signed");
	assert_status(EMR_DENIED, p.last.error);
	card.data[100] ^= 1;
	story_newcomer(&s, &porter, &s.bosses[0], EMR_ROLE_REGISTRAR, "porter");
	pen_open(&s, &q, &porter, "porter");
	pen_deposit(&q, inbox, emr_buf_view(&card), "porter.txt", "neither hospital nor clinician");
	assert_status(EMR_DENIED, q.last.error);
	kit_publish_all(&s.k);
	kit_publish_all(&s.k);
	strftime(path, sizeof path, "Inbox/org0/%Y-%m-%d/result.txt", localtime(&now));
	kit_expect_text(&s.k, path, "sodium 140");
	assert_false(kit_exists(&s.k, "Inbox/porter.txt"));
	pen_close(&p);
	pen_close(&q);
	story_part(&porter);
}

static emr_id16 ended_meanwhile;

/* Her open folder, in another thread, ends one of them at the same moment. */
static void end_it(void)
{
	const emr_share_options options = {.keyring = s.k.stack.keyring,
		.ledger = s.k.stack.ledger,
		.replica = s.k.stack.replica,
		.records = s.k.stack.records,
		.clock = &s.k.clock.clock,
		.owner_name = "Ana Silva",
		.owner_born = "1984-03-12"};
	emr_share *share;

	story_pass(&s, 1); /* in the same second it would be the same item */
	assert_ok(emr_share_new(&options, &share));
	assert_ok(emr_share_revoke(begins(share), s.imaging, ended_meanwhile));
	emr_share_free(share);
}

TEST_IN(begin, end, what_ended_at_the_same_moment_is_taken_back_all_the_same)
{
	emr_known_grant grant;
	emr_grant_made made[2];
	size_t n = 0;

	for (int i = 0; i < 2; i++)
		made[i] = allow(&s.lima, EMR_RIGHTS_READ, 0);
	for (int i = 0; i < 2; i++) {
		ended_meanwhile = made[0].grant;
		before_submit = end_it;
		assert_ok(emr_share_revoke_person(
			begins(s.ana), s.imaging, s.lima.public.signer_id, &n));
		assert_null(before_submit);
		for (int at = i; at < 2; at++) {
			assert_ok(emr_replica_grant(
				s.k.stack.replica, s.imaging, made[at].grant, &grant));
			assert_int_equal(grant.row.head.state, EMR_GRANT_REVOKED);
		}
		/* and when it was the only one */
		made[0] = made[1] = allow(&s.lima, EMR_RIGHTS_READ, 0);
	}
}

/* ---- a ledger that loses what it was given ---- */

/* A writer of the network's directory takes out the parts that came last. */
static void ledger_loses(void)
{
	story_sql(&s, "UPDATE parts SET part=x'' WHERE seq=(SELECT max(seq) FROM parts)");
}

static int count_labelled(void)
{
	EMR_AUTO_BUF all = {0};
	int n = 0;

	assert_ok(emr_share_given(s.ana, s.imaging, &all));
	EMR_EACH (const emr_given, given, &all)
		n += strcmp(given->label, "Imaging") == 0;
	return n;
}

TEST_IN(begin, end, what_the_ledger_loses_at_once_stays_with_who_saved_it)
{
	int before;

	kit_text(&s.k, "Imaging/new.txt", "what ana saved");
	after_submit = ledger_loses;
	kit_publish_all(&s.k);
	assert_null(after_submit);
	assert_memory_equal(
		kit_attribute(&s.k, "Imaging/new.txt", "user.emrfs.state"), "confirmed", 9);
	/* A share that she makes, too. */
	before = count_labelled();
	after_submit = ledger_loses;
	(void)allow(&s.lima, EMR_GRANT_LIST | EMR_GRANT_READ, 0);
	assert_int_equal(count_labelled(), before + 1);
	kit_restart(&s.k);
	kit_expect_text(&s.k, "Imaging/new.txt", "what ana saved");
}

/* The answer is lost as well: what is sent again brings its parts. */
TEST_IN(begin, end, nor_is_it_lost_with_the_answer)
{
	kit_text(&s.k, "Imaging/new.txt", "what ana saved");
	after_submit = ledger_loses;
	fail_after = 1;
	(void)!emr_view_publish_now(s.k.view);
	kit_restart(&s.k);
	kit_publish_all(&s.k);
	kit_restart(&s.k);
	kit_expect_text(&s.k, "Imaging/new.txt", "what ana saved");
}

TESTS(NULL, NULL)
