/* These tests are about orders to share and to take back: they are written down, done once, and
 * fail aloud; and about what a revocation tells. */
#include <stdatomic.h>

#include "contract/codes.h"
#include "crypto/sum.h"
#include "fetch/fetch.h"
#include "keyring/sealed.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/shares.h"
#include "sharing/sharing.h"

#include "sharing_story.h"

/* ---- a ledger whose answers are lost ---- */

static atomic_int to_lose; /* how many of the next */

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	emr_status status = __real_emr_ledger_submit(ledger, batch, out_answer);

	if (atomic_load(&to_lose) == 0)
		return status;
	atomic_fetch_sub(&to_lose, 1);
	return EMR_IO;
}

/* ---- a folder that becomes a domain of its own when the clerk has just looked which there are
 * ---- */

static const char *to_become_domain; /* NULL: none */

WRAPPED(emr_status, emr_share_revoke_below, emr_share *share, const emr_nested *tree, size_t n,
	emr_id16 domain, emr_id32 grantee, size_t *out_n)
{
	if (to_become_domain != NULL)
		sharing_story_make_domain(to_become_domain);
	to_become_domain = NULL;
	return __real_emr_share_revoke_below(share, tree, n, domain, grantee, out_n);
}

/* ---- a folder with records that do not open ---- */

static uint64_t unreadable;

/* Whether what is not here would be waited for: it is to be judged before it is shared. */
static _Thread_local bool is_waiting;
static _Atomic int waited; /* grants that would have */

WRAPPED(void, emr_fetcher_wait_begin, emr_fetcher *fetcher, bool is_home)
{
	__real_emr_fetcher_wait_begin(fetcher, is_home);
	is_waiting = is_home;
}

WRAPPED(emr_fetch_count, emr_fetcher_wait_end, emr_fetcher *fetcher)
{
	is_waiting = false;
	return __real_emr_fetcher_wait_end(fetcher);
}

WRAPPED(emr_status, emr_share_grant, emr_share *share, const emr_grant_order *order,
	emr_grant_made *out_made)
{
	emr_status status = __real_emr_share_grant(share, order, out_made);

	waited += is_waiting;

	if (status == EMR_OK)
		out_made->left_out += unreadable;
	return status;
}

static emr_session session;
static emr_notices *notices;
static emr_sharing *sharing;

/* ---- an order that is done when who takes it back has just looked at the ledger ---- */

static _Thread_local bool is_done_meanwhile; /* of the thread that takes back */

static void do_all_orders(void);

WRAPPED(void, emr_share_free, emr_share *share)
{
	__real_emr_share_free(share);
	if (is_done_meanwhile) {
		is_done_meanwhile = false;
		do_all_orders();
	}
}

AROUND(begin)
{
	sharing_story_begin(&session);
	assert_ok(emr_notices_new(NULL, &notices));
	assert_ok(emr_sharing_new(&session, notices, &sharing));
	session.sharing = sharing;
}

AROUND(end)
{
	emr_sharing_end(sharing);
	emr_sharing_free(sharing);
	emr_notices_free(notices);
	sharing_story_end(&session);
}

static emr_order order_for(emr_id32 grantee, uint64_t seconds)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_order o = {.kind = EMR_ORDER_GRANT,
		.domain = sharing_story_imaging(),
		.grantee = grantee,
		.root = grantee,
		.asked_unix_s = now,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1,
		.until_unix_s = now + seconds,
		.label = "Imaging",
		.who = "lima"};

	return o;
}

static size_t count_rows(emr_share_state wanted)
{
	EMR_AUTO_SHARES rows = {0};
	EMR_AUTO_CROWD crowd = {0};
	size_t n = 0;

	assert_ok(emr_crowd_open(&session, &crowd));
	assert_ok(emr_shares_collect(&session, &crowd, NULL, EMR_SHARES_OPENED, &rows));
	for (size_t i = 0; i < rows.n; i++)
		n += rows.list[i].state == wanted;
	return n;
}

static emr_who who_is(emr_id32 id)
{
	EMR_AUTO_CROWD crowd = {0};
	emr_who who;

	assert_ok(emr_crowd_open(&session, &crowd));
	assert_ok(emr_who_of(&crowd, id, &who));
	return who;
}

static int64_t in_seconds(int64_t s)
{
	return emr_clock_boot_ns(emr_clock_system()) + s * 1000000000;
}

/* ---- the file ---- */

static void expect_same_order(const emr_order *is, const emr_order *wanted)
{
	assert_int_equal(is->number, wanted->number);
	assert_int_equal(is->kind, wanted->kind);
	assert_memory_equal(&is->domain, &wanted->domain, 16 + 32 + 32); /* and both keys */
	assert_int_equal(is->asked_unix_s, wanted->asked_unix_s);
	assert_int_equal(is->rights, wanted->rights);
	assert_int_equal(is->purposes, wanted->purposes);
	assert_int_equal(is->until_unix_s, wanted->until_unix_s);
	/* Everything behind it is of bytes. */
	assert_memory_equal(&is->replaces, &wanted->replaces,
		offsetof(emr_order, code) + 1 - offsetof(emr_order, replaces));
}

TEST_IN(begin, end, as_many_orders_as_there_may_be_come_back)
{
	EMR_AUTO_ORDERS orders = {0}, again = {0};
	emr_order o = order_for(sharing_story_lima(), 86400);

	memset(o.label, 'l', sizeof o.label - 1);
	memset(o.who, 'w', sizeof o.who - 1);
	for (size_t i = 0; i < EMR_ORDERS_MAX; i++) {
		if (i == EMR_ORDERS_MAX - EMR_ORDERS_ASKED_MAX) {
			o.kind = EMR_ORDER_ASKED;
			memset(o.path, 'p', sizeof o.path - 1);
			memset(o.reason, 'r', sizeof o.reason - 1);
		}
		assert_ok(emr_orders_add(&orders, &o));
	}
	assert_ok(emr_orders_save(session.keyring, session.state_fd, &orders));
	assert_ok(emr_orders_load(session.keyring, session.state_fd, &again));
}

TEST_IN(begin, end, orders_come_back_as_they_were_and_every_change_of_the_file_is_seen)
{
	EMR_AUTO_ORDERS orders = {0}, again = {0};
	emr_order o = order_for(sharing_story_lima(), 86400);
	EMR_AUTO_BUF file = {0};

	assert_ok(emr_orders_load(session.keyring, session.state_fd, &again));
	assert_int_equal(again.n, 0);
	o.has_failed = true;
	o.failure = EMR_REFUSED;
	o.code = EMR_RESULT_LIMIT;
	o.replaces = true;
	assert_ok(emr_orders_add(&orders, &o));
	o.kind = EMR_ORDER_ASKED;
	o.told = EMR_SHARE_REQUEST_DENIED;
	memset(o.reason, 'r', sizeof o.reason - 1);
	assert_ok(emr_orders_add(&orders, &o));
	assert_int_equal(o.number, 2);
	assert_ok(emr_orders_save(session.keyring, session.state_fd, &orders));
	assert_ok(emr_orders_load(session.keyring, session.state_fd, &again));
	assert_int_equal(again.n, 2);
	expect_same_order(&again.list[0], &orders.list[0]);
	expect_same_order(&again.list[1], &orders.list[1]);
	emr_orders_drop(&again, 1);
	assert_ok(emr_orders_add(&again, &o));
	assert_int_equal(o.number, 3); /* never a number again */
	assert_null(emr_orders_find(&again, 1));
	assert_ok(emr_file_read(session.state_fd, EMR_STATE_ORDERS, 1u << 20, &file));
	for (size_t at = 0; at < file.len; at += 97) {
		EMR_AUTO_ORDERS bad = {0};
		emr_status status;

		file.data[at] ^= 1;
		assert_ok(emr_file_replace(
			session.state_fd, EMR_STATE_ORDERS, emr_buf_view(&file), 0600));
		status = emr_orders_load(session.keyring, session.state_fd, &bad);
		/* The head is known and the sum is for who has no key: rot of them costs nothing.
		 */
		assert_true(
			status == EMR_DAMAGED ||
			(status == EMR_OK && bad.n == orders.n &&
				(at < EMR_SEALED_HEAD_BYTES || at >= file.len - EMR_SUM_BYTES)));
		file.data[at] ^= 1;
	}
}

/* ---- doing ---- */

TEST_IN(begin, end, an_order_that_is_done_again_grants_nothing_more)
{
	emr_order o = order_for(sharing_story_lima(), 86400);

	assert_ok(clerk_do(&session, &o).status);
	assert_ok(clerk_do(&session, &o).status); /* as after a crash */
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	o.until_unix_s++;
	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 2);
	o.until_unix_s -= 3600;
	o.replaces = true; /* a shorter one in the place of both */
	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	o.kind = EMR_ORDER_REVOKE;
	assert_ok(clerk_do(&session, &o).status);
	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 0);
}

TEST_IN(begin, end, what_is_shared_already_is_not_shared_again_and_another_end_takes_its_place)
{
	emr_order o = order_for(sharing_story_lima(), 86400), sooner;
	uint64_t number = 0, other = 0;

	o.replaces = true;
	sooner = o;
	sooner.until_unix_s -= 7200;
	assert_ok(emr_sharing_give(sharing, &o, &number));
	assert_ok(emr_sharing_give(sharing, &sooner, &other)); /* the first never went out */
	assert_int_not_equal(number, other);
	assert_int_equal(count_rows(EMR_SHARE_QUEUED), 1);
	assert_ok(emr_sharing_start(sharing));
	assert_ok(emr_sharing_wait(sharing, other, in_seconds(60), NULL));
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	sooner.until_unix_s += 600; /* typed again, some minutes later */
	assert_ok(emr_sharing_give(sharing, &sooner, &other));
	assert_int_equal(other, 0);
	assert_ok(emr_sharing_give(sharing, &o, &number));
	assert_int_not_equal(number, 0);
	assert_ok(emr_sharing_wait(sharing, number, in_seconds(60), NULL));
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	o.purposes = 3;
	assert_ok(emr_sharing_give(sharing, &o, &number));
	assert_int_not_equal(number, 0);
	assert_ok(emr_sharing_wait(sharing, number, in_seconds(60), NULL));
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
}

TEST_IN(begin, end, what_was_taken_back_and_is_given_again_stands)
{
	emr_order o = order_for(sharing_story_lima(), 86400);
	emr_who who = who_is(o.grantee);
	uint64_t number = 0;

	o.replaces = true;
	assert_ok(clerk_do(&session, &o).status);
	assert_ok(emr_sharing_take_back(sharing, o.domain, "Imaging", &who, &number));
	assert_int_not_equal(number, 0);
	assert_ok(emr_sharing_give(sharing, &o, &number)); /* behind the end that waits */
	assert_int_not_equal(number, 0);
	assert_ok(emr_sharing_start(sharing));
	assert_ok(emr_sharing_wait(sharing, number, in_seconds(60), NULL));
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
}

TEST_IN(begin, end, what_waits_is_done_by_the_next_clerk)
{
	emr_order o = order_for(sharing_story_lima(), 86400);
	uint64_t number = 0, same = 0;

	assert_ok(emr_sharing_give(sharing, &o, &number));
	assert_ok(emr_sharing_give(sharing, &o, &same));
	assert_int_equal(number, same);
	assert_int_equal(count_rows(EMR_SHARE_QUEUED), 1);
	assert_status(EMR_TIMEOUT, emr_sharing_wait(sharing, number, 0, NULL));
	emr_sharing_free(sharing); /* as a crash */
	assert_ok(emr_sharing_new(&session, notices, &sharing));
	session.sharing = sharing;
	assert_ok(emr_sharing_start(sharing));
	assert_ok(emr_sharing_wait(sharing, number, in_seconds(60), NULL));
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	assert_int_equal(count_rows(EMR_SHARE_QUEUED), 0);
}

TEST_IN(begin, end, what_cannot_be_done_fails_aloud_and_stays_in_the_list)
{
	emr_order o = order_for((emr_id32){{5}}, 86400);
	EMR_AUTO_BUF text = {0};
	emr_order failed;
	uint64_t number = 0;
	emr_who who;

	assert_ok(emr_sharing_start(sharing));
	assert_ok(emr_sharing_give(sharing, &o, &number));
	assert_status(EMR_REFUSED, emr_sharing_wait(sharing, number, in_seconds(60), &failed));
	assert_int_equal(failed.failure, EMR_NOT_FOUND);
	assert_int_equal(count_rows(EMR_SHARE_FAILED), 1);
	emr_sharing_end(sharing); /* it tells before it ends */
	assert_ok(emr_notices_text(notices, &text));
	assert_ok(emr_buf_append_zeros(&text, 1));
	assert_non_null(strstr(
		(const char *)text.data, "share-failed Imaging: Imaging is not shared with lima"));
	who = who_is(o.grantee);
	assert_ok(emr_sharing_take_back(sharing, o.domain, "Imaging", &who, &number));
	assert_int_equal(number, 0); /* the ledger had nothing */
	assert_int_equal(count_rows(EMR_SHARE_FAILED), 0);
	assert_status(
		EMR_NOT_FOUND, emr_sharing_take_back(sharing, o.domain, "Imaging", &who, &number));
}

static uint64_t to_be_done; /* number of an order */

TEST_IN(begin, end, what_is_left_out_of_a_share_is_counted_and_told)
{
	emr_order o = order_for(sharing_story_lima(), 86400);
	EMR_AUTO_BUF text = {0};

	assert_ok(emr_sharing_give(sharing, &o, &to_be_done));
	unreadable = 3;
	waited = 0;
	do_all_orders();
	unreadable = 0;
	assert_int_equal(waited, 1);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	assert_ok(emr_notices_text(notices, &text));
	assert_ok(emr_buf_append_zeros(&text, 1));
	assert_non_null(strstr((const char *)text.data,
		"not-all-shared Imaging: 3 files in Imaging cannot be opened, or their signature "
		"does not fit; they are not in what lima sees."));
}

static void do_all_orders(void)
{
	assert_ok(emr_sharing_start(sharing));
	assert_ok(emr_sharing_wait(sharing, to_be_done, in_seconds(60), NULL));
}

TEST_IN(begin, end, what_is_given_while_it_is_taken_back_is_taken_back)
{
	emr_order o = order_for(sharing_story_lima(), 86400);
	uint64_t number = 0;
	emr_who who;

	assert_ok(emr_sharing_give(sharing, &o, &to_be_done));
	who = who_is(o.grantee);
	is_done_meanwhile = true;
	assert_ok(emr_sharing_take_back(sharing, o.domain, "Imaging", &who, &number));
	assert_false(is_done_meanwhile);
	assert_ok(emr_sharing_wait(sharing, number, in_seconds(60), NULL));
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED) + count_rows(EMR_SHARE_QUEUED), 0);
}

TEST(a_moment_s_trouble_is_tried_again_and_a_rule_s_is_not)
{
	assert_true(clerk_is_momentary(EMR_OFFLINE, 0));
	assert_true(clerk_is_momentary(EMR_EPOCH, 0));
	assert_true(clerk_is_momentary(EMR_REFUSED, EMR_RESULT_TIME_AHEAD));
	assert_false(clerk_is_momentary(EMR_REFUSED, EMR_RESULT_LIMIT));
	assert_false(clerk_is_momentary(EMR_DENIED, 0));
	assert_false(clerk_is_momentary(EMR_OK, 0));
}

TEST_IN(begin, end, what_is_over_is_not_asked_for)
{
	emr_order o = order_for(sharing_story_lima(), 0);
	uint64_t number = 7;

	assert_status(EMR_INVALID, emr_sharing_give(sharing, &o, &number));
	session.read_only = true;
	o.until_unix_s += 86400;
	assert_status(EMR_READ_ONLY, emr_sharing_give(sharing, &o, &number));
	session.read_only = false;
	assert_int_equal(number, 7);
}

/* An order was tried once, it stands on the ledger, and nobody here knows. */
static emr_order lose_an_answer(void)
{
	emr_order o = order_for(sharing_story_lima(), 86400);
	uint64_t number = 0, before;

	assert_ok(emr_sharing_give(sharing, &o, &number));
	before = emr_sharing_changes(sharing);
	atomic_store(&to_lose, 1);
	assert_ok(emr_sharing_start(sharing));
	while (emr_sharing_changes(sharing) == before) /* until the clerk has put it down again */
		usleep(1000);
	assert_int_equal(atomic_load(&to_lose), 0);
	return o;
}

TEST_IN(begin, end, what_was_tried_is_looked_for_before_it_is_forgotten)
{
	emr_order o = lose_an_answer();
	emr_who who = who_is(o.grantee);
	uint64_t number = 0;

	assert_ok(emr_sharing_take_back(sharing, o.domain, "Imaging", &who, &number));
	assert_int_not_equal(number, 0);
	assert_ok(emr_sharing_wait(sharing, number, in_seconds(60), NULL));
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED) + count_rows(EMR_SHARE_QUEUED), 0);
}

TEST_IN(begin, end, what_was_tried_in_another_life_is_looked_for_too_and_not_given_twice)
{
	emr_order o = lose_an_answer();
	emr_who who = who_is(o.grantee);
	uint64_t number = 0;

	emr_sharing_end(sharing); /* whatever the clerk did meanwhile, it is once */
	emr_sharing_free(sharing);
	assert_ok(emr_sharing_new(&session, notices, &sharing));
	session.sharing = sharing;
	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	assert_ok(emr_sharing_take_back(sharing, o.domain, "Imaging", &who, &number));
	assert_int_not_equal(number, 0);
	assert_ok(emr_sharing_start(sharing));
	assert_ok(emr_sharing_wait(sharing, number, in_seconds(60), NULL));
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED) + count_rows(EMR_SHARE_QUEUED), 0);
}

static uint16_t rights_now(void)
{
	EMR_AUTO_SHARES rows = {0};
	EMR_AUTO_CROWD crowd = {0};
	uint16_t rights = 0;

	assert_ok(emr_crowd_open(&session, &crowd));
	assert_ok(emr_shares_collect(&session, &crowd, NULL, EMR_SHARES_OPENED, &rows));
	for (size_t i = 0; i < rows.n; i++)
		rights |= rows.list[i].state == EMR_SHARE_CONFIRMED ? rows.list[i].rights : 0;
	return rights;
}

TEST_IN(begin, end, an_order_may_be_for_writing_and_is_replaced_as_any_other)
{
	emr_order o = order_for(sharing_story_lima(), 86400);

	o.rights = EMR_RIGHTS_WRITE;
	assert_ok(clerk_do(&session, &o).status);
	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	assert_int_equal(rights_now(), EMR_RIGHTS_WRITE);
	o.rights = EMR_RIGHTS_DEPOSIT;
	o.purposes = 0;
	assert_status(EMR_EXISTS, clerk_do(&session, &o).status);
	o.replaces = true; /* an attribute is set again */
	assert_ok(clerk_do(&session, &o).status);
	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	assert_int_equal(rights_now(), EMR_RIGHTS_DEPOSIT);
	o.rights = EMR_RIGHTS_READ;
	o.purposes = 1;
	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 1);
	assert_int_equal(rights_now(), EMR_RIGHTS_READ);
	o.rights = EMR_RIGHTS_DEPOSIT;
	o.purposes = 0;
	o.replaces = false; /* beside it */
	assert_ok(clerk_do(&session, &o).status);
	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 2);
	o.kind = EMR_ORDER_REVOKE;
	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_rows(EMR_SHARE_CONFIRMED), 0);
}

/* ---- the answers ---- */

typedef struct heard {
	json_t *ended, *opened, *released, *last;
} heard;

static emr_status hear(void *arg, json_t *object)
{
	heard *h = arg;

	/* Nothing is added where there is no such list. */
	json_array_extend(h->ended, json_object_get(object, "ended"));
	json_array_extend(h->opened, json_object_get(object, "openings"));
	json_array_extend(h->released, json_object_get(object, "released"));
	json_decref(h->last);
	h->last = object;
	return EMR_OK;
}

/* Also what stands in domains inside. */
static size_t count_standing(void)
{
	EMR_AUTO_SHARES rows = {0};
	EMR_AUTO_CROWD crowd = {0};
	size_t n = 0;

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_crowd_open(&session, &crowd));
	assert_ok(emr_shares_collect(&session, &crowd, NULL, EMR_SHARES_INNER, &rows));
	for (size_t i = 0; i < rows.n; i++)
		n += rows.list[i].state == EMR_SHARE_CONFIRMED;
	return n;
}

TEST_IN(begin, end, what_becomes_a_domain_while_its_share_is_taken_back_is_taken_back_too)
{
	emr_order o = order_for(sharing_story_lima(), 86400);

	assert_ok(clerk_do(&session, &o).status);
	assert_int_equal(count_standing(), 1);
	o.kind = EMR_ORDER_REVOKE;
	to_become_domain = "Imaging/Old";
	assert_ok(clerk_do(&session, &o).status);
	assert_null(to_become_domain);
	sharing_story_publish();
	assert_int_equal(count_standing(), 0);
}

TEST_IN(begin, end, taking_back_tells_what_was_opened_and_what_could_have_been)
{
	emr_order o = order_for(sharing_story_lima(), 86400);
	emr_request request = {.ask = EMR_ASK_REVOKE, .has_path = true, .path = "Imaging"};
	heard h = {.ended = json_array(), .opened = json_array(), .released = json_array()};
	emr_problem problem = {0};
	emr_who who = who_is(sharing_story_lima());

	snprintf(request.who, sizeof request.who, "%s", who.called);
	assert_ok(clerk_do(&session, &o).status);
	sharing_story_lima_reads("MRI.pdf");
	sharing_story_lima_gets_the_key("CT.pdf");
	assert_ok(emr_answer_revoke(&session, &request, &(emr_sink){hear, &h}, &problem));
	assert_int_equal(json_array_size(h.ended), 1);
	assert_true(json_is_true(json_object_get(h.last, "names_seen")));
	assert_int_equal(json_array_size(json_object_get(h.last, "orders")), 1);
	assert_int_equal(json_array_size(h.opened), 1); /* its key and the report are one row */
	assert_string_equal(json_string_value(json_object_get(json_array_get(h.opened, 0), "path")),
		"Imaging/MRI.pdf");
	assert_true(json_is_true(json_object_get(json_array_get(h.opened, 0), "proven")));
	assert_int_equal(json_array_size(h.released), 1); /* nobody says that it was opened */
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(h.released, 0), "path")),
		"Imaging/Old/CT.pdf");
	assert_int_equal(count_rows(EMR_SHARE_ENDING), 1);
	json_decref(h.ended);
	json_decref(h.opened);
	json_decref(h.released);
	json_decref(h.last);
}

/* A writer in her folder gives the name in the question to another one. */
TEST_IN(begin, end, what_is_taken_back_is_what_was_shown)
{
	emr_order o = order_for(sharing_story_lima(), 86400);
	emr_request request = {
		.ask = EMR_ASK_REVOKE, .has_path = true, .path = "Imaging", .look = true};
	heard h = {.ended = json_array(), .opened = json_array(), .released = json_array()};
	emr_problem problem = {0};
	emr_who who = who_is(sharing_story_lima());

	snprintf(request.who, sizeof request.who, "%s", who.called);
	assert_ok(clerk_do(&session, &o).status);
	assert_ok(emr_answer_revoke(&session, &request, &(emr_sink){hear, &h}, &problem));
	assert_int_equal(json_array_size(h.ended), 1);
	assert_int_equal(count_rows(EMR_SHARE_ENDING), 0); /* shown, and no more */
	snprintf(request.shown, sizeof request.shown, "%s",
		json_string_value(json_object_get(h.last, "shown")));
	assert_int_equal(strlen(request.shown), 64);
	request.look = false;
	sharing_story_swap("Imaging", "Spare");
	assert_true(
		emr_answer_revoke(&session, &request, &(emr_sink){hear, &h}, &problem) != EMR_OK);
	assert_int_equal(count_rows(EMR_SHARE_ENDING), 0);
	problem = (emr_problem){0};
	snprintf(request.path, sizeof request.path, "%s", "Imaging aside");
	assert_status(EMR_CONFLICT,
		emr_answer_revoke(&session, &request, &(emr_sink){hear, &h}, &problem));
	assert_int_equal(problem.message, EMR_SAY_SHOWN_CHANGED);
	assert_int_equal(count_rows(EMR_SHARE_ENDING), 0);
	json_decref(h.ended);
	json_decref(h.opened);
	json_decref(h.released);
	json_decref(h.last);
}

TESTS(NULL, NULL)
