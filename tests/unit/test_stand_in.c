/* A member's own host is away, and hosts of other organisations stand in for it. These tests show
 * which one is asked, and that one which shows something else than the member has verified is asked
 * no more. */
#include "base/file.h"
#include "ledger/backend.h"
#include "served_members.h"

/* The host of another organisation, over the directory NAME. */
typedef struct other {
	emr_served *host;
	emr_served_at at;
	emr_buf key, certificate;
	unsigned port;
} other;

static other second, third;

/* Where and as it was, if it was there before. */
static void other_starts(other *o, const char *directory, uint8_t first)
{
	char dir[120];
	emr_served_options options = {
		.path = dir, .mail_dirfd = -1, .clock = &k.clock.clock, .secret = {first}};
	emr_id32 pin;

	(void)snprintf(dir, sizeof dir, "%s/%s", k.base, directory);
	if (o->port == 0) {
		assert_ok(emr_served_make_key(&o->key));
		assert_ok(emr_served_make_certificate((const char *)o->key.data, &o->certificate));
	}
	options.key = (const char *)o->key.data;
	options.certificate = (const char *)o->certificate.data;
	options.listen_fd = kit_listen(&o->port);
	assert_ok(emr_served_start(&options, &o->host));
	assert_ok(emr_served_pin((const char *)o->certificate.data, &pin));
	o->at = (emr_served_at){.key = emr_served_key(options.secret)};
	(void)snprintf(o->at.url, sizeof o->at.url, "https://127.0.0.1:%u", o->port);
	emr_served_pin_text(pin, o->at.pin);
}

static void other_ends(other *o)
{
	emr_served_stop(o->host);
	o->host = NULL;
}

/* As one's own host would have told them. */
static void keep(const emr_served_at *list, size_t n)
{
	EMR_AUTO_BUF text = {0};
	char one[EMR_SERVED_ADDRESS_CHARS];

	for (size_t i = 0; i < n; i++) {
		emr_served_address_text(&list[i], one);
		assert_ok(emr_buf_append(&text, one, strlen(one)));
		assert_ok(emr_buf_append(&text, "\n", 1));
	}
	kit_put_file(k.network, EMR_SERVED_HOSTS, emr_buf_view(&text));
}

static void believe(emr_ledger *ledger, const emr_id32 *keys, size_t n)
{
	emr_ledger_standing standing = {.keys = keys, .n_keys = n};

	assert_ok(emr_ledger_stand_in(ledger, &standing));
}

static void expect_by(emr_ledger *ledger, const other *o)
{
	emr_ledger_standing standing = {.keys = NULL};

	assert_status(o != NULL ? EMR_OK : EMR_NOT_FOUND, emr_ledger_stand_in(ledger, &standing));
	assert_true(o == NULL || (emr_id32_equal(standing.by, o->at.key) && standing.since_unix_s));
}

static uint64_t size_of(emr_ledger *ledger)
{
	uint64_t size = 0;

	return emr_ledger_size(ledger, &size) == EMR_OK ? size : 0;
}

static void both_keys(emr_id32 out[2])
{
	out[0] = second.at.key;
	out[1] = third.at.key;
}

/* Both have the same entries as one's own. */
static void three_hosts(void)
{
	shell("cp -rp", "host", "second");
	shell("cp -rp", "host", "third");
	other_starts(&second, "second", 2);
	other_starts(&third, "third", 3);
	keep((emr_served_at[]){second.at, third.at}, 2);
}

static void all_end(void)
{
	other *all[] = {&second, &third};

	for (size_t i = 0; i < 2; i++) {
		other_ends(all[i]);
		emr_buf_free(&all[i]->key);
		emr_buf_free(&all[i]->certificate);
		*all[i] = (other){.port = 0};
	}
}

/* One's own as long as it answers, then the first of those whose keys are named. */
TEST_IN(begin, end, the_first_that_is_named_stands_in_and_the_own_host_is_asked_again)
{
	emr_ledger *ledger;
	uint64_t all, more;
	emr_id32 keys[2];

	three_hosts();
	both_keys(keys);
	ledger = kit_open(&k);
	all = size_of(ledger);
	expect_by(ledger, NULL);
	kit_host_stop(&k);
	assert_int_equal(size_of(ledger), 0); /* nobody has named one */
	believe(ledger, &keys[1], 1);
	assert_int_equal(size_of(ledger), all);
	expect_by(ledger, &third);
	believe(ledger, keys, 2); /* it goes on being asked */
	expect_by(ledger, &third);
	other_ends(&third);
	assert_int_equal(size_of(ledger), 0); /* a round: its own is asked before the first again */
	assert_int_equal(size_of(ledger), all);
	expect_by(ledger, &second);
	believe(ledger, &keys[1], 1); /* whose organisation has another host by now */
	expect_by(ledger, NULL);
	kit_host_start(&k);
	assert_int_equal(size_of(ledger), all);
	assert_status(EMR_TIMEOUT, emr_ledger_wait(ledger, all, 1, &more));
	expect_by(ledger, NULL);
	emr_ledger_close(ledger);
	all_end();
}

/* Somebody at the address of a host that stands in, with that one's TLS and not its key. */
TEST_IN(begin, end, who_has_not_the_key_that_was_named_is_not_believed)
{
	emr_served_at imposter;
	emr_ledger *ledger;
	uint64_t all;
	emr_id32 keys[2];

	three_hosts();
	both_keys(keys);
	imposter = third.at;
	imposter.key = second.at.key;
	keep((emr_served_at[]){imposter, third.at}, 2);
	ledger = kit_open(&k);
	all = size_of(ledger);
	kit_host_stop(&k);
	believe(ledger, keys, 2);
	assert_int_equal(size_of(ledger), all);
	expect_by(ledger, &third);
	emr_ledger_close(ledger);
	all_end();
}

static emr_served_at own_settings(void)
{
	EMR_AUTO_BUF settings = {0};
	EMR_AUTO_FD fd = -1;
	emr_served_at at;

	assert_ok(emr_dir_open(k.network, &fd));
	assert_ok(emr_file_read(fd, EMR_SERVED_SETTINGS, 4096, &settings));
	assert_ok(emr_served_at_read(emr_buf_view(&settings), &at));
	return at;
}

/* Somebody saves what Ana's host does not have. */
static void saved_elsewhere(const other *o, unsigned n)
{
	const emr_served_at own = own_settings();

	kit_write_at(&k, &o->at);
	member_comes(&rui, "rui");
	assert_ok(follow(&rui));
	while (n-- > 0)
		save(&rui);
	member_goes(&rui);
	kit_write_at(&k, &own);
}

static void follows_by(member *m, const other *o)
{
	for (int i = 0; follow(m) != EMR_OK; i++)
		assert_int_not_equal(i, 5);
	expect_by(m->ledger, o);
}

static void expect_no_blame(member *m)
{
	emr_replica_trouble trouble;

	emr_replica_last_trouble(m->replica, &trouble);
	assert_ok(trouble.status);
	assert_false(emr_replica_is_forked(m->replica));
}

/* Her own host is accused of nothing meanwhile, also where it comes back and lags itself. */
TEST_IN(begin, end, a_host_of_another_history_is_asked_no_more_and_one_that_lags_later)
{
	emr_ledger_standing standing = {.keys = NULL};
	emr_id32 keys[2];

	member_comes(&ana, "ana");
	assert_ok(follow(&ana));
	save(&ana);
	three_hosts();
	both_keys(keys);
	saved_elsewhere(&second, 2);
	save(&ana);
	kit_host_stop(&k);
	believe(ana.ledger, keys, 2);
	for (int i = 0; i < 4; i++)
		assert_status(EMR_OFFLINE, follow(&ana));
	expect_no_blame(&ana);
	(void)emr_ledger_stand_in(ana.ledger, &standing);
	assert_true(emr_id32_equal(standing.refused, second.at.key));
	other_ends(&third);
	shell("rm -rf", "third", "none");
	shell("cp -rp", "host", "third"); /* it has read the rest by now */
	other_starts(&third, "third", 3);
	follows_by(&ana, &third);
	save(&ana);
	believe(ana.ledger, keys, 0);
	kit_host_start(&k);
	believe(ana.ledger, keys, 2);
	assert_status(EMR_OFFLINE, follow(&ana));
	expect_no_blame(&ana);
	follows_by(&ana, &third);
	other_ends(&third); /* then her own alone says so, and it is told as that */
	believe(ana.ledger, keys, 0);
	assert_status(EMR_ROLLBACK, follow(&ana));
	member_goes(&ana);
	all_end();
}

TESTS(NULL, NULL)
