/* These tests are about a host that has its key alone, at a Unix socket, and what is brought to it:
 * heads and entries of members, and what administrators say. Two histories are the proof, whatever
 * came first. */
#include <sys/socket.h>
#include <sys/un.h>

#include "http/request.h"
#include "ledger/chain.h"
#include "ledger/checkpoint.h"
#include "ledger/network.h"
#include "ledger/restart.h"
#include "served_members.h"

static uint64_t common; /* entries before they part */
static emr_served *bare;
static int bare_fd = -1; /* its files */
static emr_http *http;
static emr_chain *hers, *his; /* two histories, of common + 3 and common + 2 entries */

static emr_chain *open_chain(const char *name)
{
	EMR_AUTO_FD fd = -1;
	emr_chain *chain = NULL;

	assert_ok(emr_dir_open(printed("%s/%s", k.base, name), &fd));
	assert_ok(emr_chain_open(fd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, 1000, &chain));
	return chain;
}

static void bare_starts(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char path[96];
	emr_http_server server = {.url = "http://host", .socket = at.sun_path};
	emr_served_options options = {.path = path,
		.mail_dirfd = -1,
		.host_dirfd = bare_fd,
		.clock = &k.clock.clock,
		.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	(void)snprintf(path, sizeof path, "%s/bare", k.base);
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s/socket", k.base);
	(void)unlink(at.sun_path);
	memcpy(options.secret, kit_host_secret, sizeof options.secret);
	assert_int_equal(bind(options.listen_fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(options.listen_fd, 64), 0);
	assert_ok(emr_served_start(&options, &bare));
	assert_ok(emr_http_open(&server, &http));
}

static void bare_stops(void)
{
	emr_http_close(http);
	emr_served_stop(bare);
}

static int begin_bare(void **state)
{
	EMR_AUTO_FD fd = -1;

	assert_int_equal(begin(state), 0);
	kit_fill(&k, &domain, 1);
	assert_ok(emr_ledger_size(k.ledger, &common));
	host_keeps_a_copy("other");
	for (int i = 0; i < 3; i++)
		kit_fill(&k, &domain, 1);
	host_shows("other", "hers");
	kit_fill(&k, &domain, 1);
	kit_fill(&k, &domain, 1);
	hers = open_chain("hers");
	his = open_chain("host");
	assert_ok(emr_dir_open(printed("%s/bare", k.base), &fd));
	assert_ok(emr_dir_open(printed("%s/bare-host", k.base), &bare_fd));
	return 0;
}

static int end_bare(void **state)
{
	bare_stops();
	emr_chain_close(hers);
	emr_chain_close(his);
	(void)close(bare_fd);
	return end(state);
}

static long post(const char *what, emr_bytes body)
{
	EMR_AUTO_BUF out = {0};
	emr_http_answer answer;
	emr_http_request request = {.method = "POST",
		.path = what,
		.body = body,
		.timeout_ms = 30000,
		.answer_max = 4096};

	assert_ok(emr_http_ask(http, &request, &out, &answer));
	return answer.status;
}

typedef struct head_of {
	emr_chain *chain;
	uint64_t size, time, at; /* AT: of entries that are shown, or brought if BYTES are */
	size_t bytes;
	uint8_t net_xor;
} head_of;

/* 412: it is the proof of two histories. */
static void bring(long code, head_of how)
{
	emr_recovery is = {.is_split = false};
	emr_checkpoint head = {.net_id = k.net_id, .size = how.size};
	EMR_AUTO_BUF note = {0}, body = {0};
	uint8_t seed[32];

	head.net_id.b[0] ^= how.net_xor;
	kit_host_seed(seed);
	assert_ok(emr_chain_root(how.chain, how.size, head.root));
	assert_ok(emr_checkpoint_sign(&head, seed, how.time != 0 ? how.time : KIT_NOW));
	assert_ok(emr_checkpoint_format(&head, &note));
	assert_ok(emr_restart_bring(emr_buf_view(&note), how.chain, &how.at, how.bytes, &body));
	assert_int_equal(post("/emrfs/v1/recovery", emr_buf_view(&body)), code);
	(void)!emr_recovery_read(bare_fd, &is);
	assert_int_equal(is.is_split, code == 412);
}

#define brings(code, ...) bring(code, (head_of){__VA_ARGS__})

TEST_IN(begin_bare, end_bare, heads_that_came_before_their_entries_are_compared_with_these)
{
	bare_starts();
	brings(200, .chain = his, .size = common + 2); /* neither can be compared yet */
	brings(200, .chain = hers, .size = common + 3);
	brings(412, .chain = hers, .size = common + 3, .bytes = 1 << 20);
}

TEST_IN(begin_bare, end_bare, heads_that_came_before_a_start_are_compared_too)
{
	bare_starts();
	brings(200, .chain = his, .size = common + 2); /* neither can be compared yet */
	brings(200, .chain = hers, .size = common + 3);
	bare_stops();
	bare_starts();
	brings(412, .chain = hers, .size = common + 3, .bytes = 1 << 20);
}

TEST_IN(begin_bare, end_bare, two_heads_of_one_size_and_two_histories_are_the_proof_at_once)
{
	bare_starts();
	brings(200, .chain = his, .size = common + 2);
	brings(200, .chain = his, .size = common + 2, .time = KIT_NOW + 1);
	brings(412, .chain = hers, .size = common + 2);
}

/* By a thief of its key: it lacks nothing, and stops all the same, with a head of its own. */
TEST_IN(begin_bare, end_bare, a_host_that_serves_and_is_shown_another_history_keeps_both_heads)
{
	emr_recovery is;

	shell("cp -rp", "host/.", "bare");
	bare_starts();
	brings(200, .chain = his, .size = common + 1);
	assert_status(EMR_NOT_FOUND, emr_recovery_read(bare_fd, &is));
	brings(412, .chain = hers, .size = common + 3, .at = common + 1);
	assert_ok(emr_recovery_read(bare_fd, &is));
	assert_int_equal(is.heads[0].size, common + 2);
}

/* Its key alone says of no network that it is the host's; entries, descriptor and restarts do. */
TEST_IN(begin_bare, end_bare, heads_of_two_networks_are_the_proof_where_only_the_key_is_left)
{
	bare_starts();
	brings(200, .chain = his, .size = common + 1, .net_xor = 1);
	brings(412, .chain = his, .size = common + 2);
	bare_stops();
	assert_int_equal(system(printed("rm -r %s/bare/* %s/bare-host/*", k.base, k.base)), 0);
	shell("cp", "host/descriptor", "bare");
	bare_starts();
	brings(403, .chain = his, .size = common + 1, .net_xor = 1);
	brings(200, .chain = his, .size = common + 2);
	brings(403, .chain = his, .size = common + 2, .net_xor = 1);
}

/* Members renew their note of what they have when they take an entry, and not sooner. */
TEST_IN(begin_bare, end_bare, a_head_from_before_a_restart_counts_up_to_where_it_went_on)
{
	static emr_restart restart;
	EMR_AUTO_BUF bytes = {0};
	uint8_t seed[32];

	kit_host_seed(seed);
	restart = (emr_restart){
		.said = {.net_id = k.net_id, .recovery = emr_id16_random(), .size = common + 1}};
	assert_ok(emr_chain_root(his, common + 1, restart.said.root));
	assert_ok(emr_checkpoint_sign(&restart.said, seed, KIT_NOW + 9));
	assert_ok(emr_restart_write(&restart, &bytes));
	kit_put_file(printed("%s/bare-host", k.base), EMR_RESTARTS, emr_buf_view(&bytes));
	bare_starts();
	brings(403, .chain = hers, .size = common + 2, .time = KIT_NOW + 8);
	brings(200, .chain = his, .size = common + 1, .time = KIT_NOW + 8);
	brings(200, .chain = his, .size = common + 2, .time = KIT_NOW + 9);
}

static long say(emr_keyring *by, emr_id16 recovery, uint64_t time)
{
	emr_checkpoint said = {.net_id = k.net_id, .recovery = recovery, .size = common + 2};
	EMR_AUTO_BUF text = {0};

	assert_ok(emr_chain_root(his, said.size, said.root));
	assert_ok(emr_checkpoint_cosign(&said, by, time));
	assert_ok(emr_checkpoint_format(&said, &text));
	return post("/emrfs/v1/said", emr_buf_view(&text));
}

/* A restart that bears a statement from before an entry is none for the members who have that. */
TEST_IN(begin_bare, end_bare, a_statement_is_of_now_and_behind_the_newest_entry)
{
	emr_recovery is;
	uint64_t newest = 0;

	assert_ok(emr_chain_time(his, common + 1, &newest));
	bare_starts();
	brings(200, .chain = his, .size = common + 2, .bytes = 1 << 20);
	assert_ok(emr_recovery_read(bare_fd, &is));
	assert_int_equal(say(k.keyring, is.id, newest - 1), 403);
	assert_int_equal(say(k.keyring, is.id, KIT_NOW + 10000), 403);
	assert_int_equal(say(k.keyring, is.id, newest + 1), 200);
	assert_int_equal(say(k.keyring, is.id, newest), 403); /* older than what it has */
	assert_int_equal(say(k.keyring, is.id, newest + 2), 200);
}

TESTS(NULL, NULL)
