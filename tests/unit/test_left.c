/* These tests show what a depositor can still say of deposits in a folder where the depositor sees
 * nothing any more: each deposit with its entry and its name, from the ledger alone. */
#include "deposit_kit.h"

#include "contract/codes.h"
#include "share/left.h"
#include "share/write.h"

static story s;
static depositor d;

static void begin(void)
{
	story_begin(&s);
	depositor_open(&d, &s);
}

static void end(void)
{
	depositor_close(&d);
	story_end(&s);
}

/* "Inbox/a.txt 3, ..." */
static void add(char *text, const emr_deposit_left *left)
{
	size_t used = strlen(text);

	assert_true(left->seq > 0 && left->at > 0 && !emr_id32_is_zero(left->batch_id));
	(void)snprintf(text + used, 2000 - used, "%s%s/%s %d", used > 0 ? ", " : "", left->folder,
		left->name[0] != '\0' ? left->name : "?", (int)left->bytes);
}

/* As another handle says it, which has kept nothing; borrowed until the next call. */
static const char *left_by(person *who)
{
	static char text[2000];
	EMR_AUTO_BUF all = {0};

	story_see(who);
	assert_ok(emr_replica_catch_up(who->replica, NULL, NULL, NULL));
	text[0] = '\0';
	assert_ok(emr_share_left(who->share, &all));
	EMR_EACH (const emr_deposit_left, left, &all)
		add(text, left);
	return text;
}

TEST(what_was_left_under_an_earlier_key_of_the_inbox_is_known_too)
{
	begin();
	(void)deposit(&d, "before.txt", "1");
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_share_begin_epoch(begins(s.ana), d.inbox));
	assert_string_equal(left_by(&s.lima), "Inbox/before.txt 1");
	emr_buf_clear(&d.card);
	assert_ok(emr_card_make_domain(s.k.stack.keyring, emr_ledger_net_id(s.k.stack.ledger),
		d.inbox, 1, 2, story_now(&s), story_now(&s) + 400 * DAY, "", "", &d.card));
	(void)deposit(&d, "after.txt", "12");
	assert_string_equal(left_by(&s.lima), "Inbox/before.txt 1, Inbox/after.txt 2");
	end();
}

TEST(what_its_owner_has_erased_has_no_name_any_more)
{
	emr_erase what = {0};
	emr_erased erased;
	char path[400];

	begin();
	(void)deposit(&d, "a.txt", "gone");
	deposits_arrive(&s);
	(void)snprintf(path, sizeof path, "%s/a.txt", deposits_today(&s));
	what.path = path;
	assert_ok(emr_view_erase(s.k.view, &what, &erased));
	assert_int_equal(erased.live, 1);
	kit_publish_all(&s.k);
	assert_string_equal(left_by(&s.lima), "Inbox/? 0");
	end();
}

/* A folder of hers that he may leave files in, and see nothing of. */
TEST(what_was_left_in_another_folder_by_its_right_is_told_with_whose_it_is)
{
	emr_grant_order order = {.writes = EMR_WRITES_DEPOSIT};
	emr_grant_made made;
	EMR_AUTO_BUF all = {0};
	emr_id32 owner = {{0}};
	emr_public ana;

	begin();
	order.not_after_unix_s = story_now(&s) + 7 * DAY;
	assert_ok(story_try_share(&s, &s.lima, &order, false, &made));
	d.inbox = s.imaging;
	emr_buf_clear(&d.card);
	(void)deposit(&d, "CT.dcm", "a knee");
	assert_string_equal(left_by(&s.lima), "Imaging/CT.dcm 6");
	assert_ok(emr_share_left(s.lima.share, &all));
	EMR_EACH (const emr_deposit_left, left, &all)
		owner = left->owner;
	assert_ok(emr_keyring_public(s.k.stack.keyring, &ana));
	assert_true(emr_id32_equal(owner, ana.signer_id));
	end();
}

TESTS(NULL, NULL)
