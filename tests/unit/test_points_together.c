/* Twenty programs spend the points of one account at once, and some are killed while they do: as
 * many payments stand as there are points for, each once, and not a point more or less is there
 * afterwards. */
#include <signal.h>
#include <sys/wait.h>

#include "base/codec.h"
#include "ledger/act.h"
#include "ledger_kit.h"
#include "replica/people.h"

#define CLIENTS 20
#define POINTS 100u
#define PRICE 7u
#define PAYMENTS (POINTS / PRICE) /* that there are points for */
#define KILLED 5
#define PAID 10 /* exit code of a client that paid */
#define BROKE 11

static kit k;

/* ---- one who acts ---- */

static int send(emr_replica *replica, emr_act act, emr_id32 *out_item)
{
	static uint64_t turn; /* the same bytes again would get the old answer again */
	EMR_AUTO_BATCH builder = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_batch_options options = {
		.keyring = k.keyring, .signer = emr_signer_identity(), .net_id = k.net_id};
	emr_ledger_answer answer;
	emr_operation operation;

	assert_ok(emr_batch_new(&options, &builder));
	if (replica != NULL)
		assert_ok(emr_replica_follow(replica, k.owner.signer_id, &act));
	operation = emr_act_operation(&act, KIT_NOW, (emr_bytes){0});
	assert_ok(emr_batch_add(builder, &operation, out_item));
	assert_ok(emr_batch_finish(builder, KIT_NOW, 300 + turn++ % 300, &bytes, NULL));
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.refusal, 0);
	return answer.results[0];
}

typedef struct coins {
	emr_id16 token; /* the largest */
	uint64_t largest, sum;
	size_t n;
} coins;

static emr_status note_coin(void *arg, const char *key, emr_bytes value)
{
	coins *c = arg;
	emr_row_token row;

	if (emr_row_token_parse((emr_span){value.data, value.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	c->sum += row.amount;
	c->n++;
	if (row.amount <= c->largest)
		return EMR_OK;
	c->largest = row.amount;
	return emr_unhex(key + strlen(key) - 32, c->token.b, sizeof c->token.b);
}

static coins coins_of(emr_replica *replica, const emr_id32 *account)
{
	coins c = {.n = 0};
	char prefix[80] = "T/";

	if (account != NULL)
		emr_hex(account->b, sizeof account->b, prefix + 2);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_each_row(replica, prefix, note_coin, &c));
	return c;
}

/* Pays PRICE to TO as soon as nobody is quicker; BROKE when there is no longer enough. */
static int client(const char *base, const char *to_hex)
{
	emr_replica *replica;
	emr_id32 to, item;
	int code = 0;

	kit_load_keyring(&k, base);
	assert_ok(emr_unhex(to_hex, to.b, sizeof to.b));
	(void)snprintf(k.state, sizeof k.state, "%s/state-%d", base, (int)getpid());
	assert_int_equal(mkdir(k.state, 0700), 0);
	k.state_fd = open(k.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_keyring_public(k.keyring, &k.owner));
	replica = kit_replica(&k);
	while (code == 0) {
		coins mine = coins_of(replica, &k.owner.signer_id);
		emr_pub_transfer pub = {
			.out = {{.amount = PRICE}, {.amount = mine.largest - PRICE}}};
		int result;

		if (mine.largest < PRICE) {
			code = BROKE;
			break;
		}
		memcpy(pub.tokens[0], mine.token.b, 16);
		memcpy(pub.out[0].account, to.b, 32);
		if (mine.largest > PRICE)
			memcpy(pub.out[1].account, k.owner.signer_id.b, 32);
		result = send(NULL, emr_act_transfer(&pub), &item);
		assert_true(result == EMR_RESULT_APPLIED || result == EMR_RESULT_FUNDS);
		if (result == EMR_RESULT_APPLIED)
			code = PAID;
	}
	emr_replica_close(replica);
	emr_ledger_close(k.ledger);
	emr_keyring_free(k.keyring);
	return code;
}

/* ---- the test ---- */

/* The only member agrees with himself, and makes POINTS for himself. */
static void mint(emr_replica *replica)
{
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_MINT, .not_after_unix_s = KIT_NOW + 1000};
	emr_pub_mint pub = {.amount = POINTS};
	emr_id16 proposal = emr_id16_random();
	emr_known_person me;
	emr_id16 org;
	emr_id32 item;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_person(replica, k.owner.signer_id, &me));
	memcpy(org.b, me.row.org, 16);
	memcpy(pub.proposal, proposal.b, 16);
	memcpy(pub.account, k.owner.signer_id.b, 32);
	emr_mint_subject(pub.account, pub.amount, what.subject);
	assert_int_equal(send(replica, emr_act_propose(proposal, &what), &item), 0);
	assert_int_equal(send(replica, emr_act_mint(&pub), &item), EMR_RESULT_GONE);
	assert_int_equal(send(replica, emr_act_approve_proposal(proposal, org), &item), 0);
	assert_int_equal(send(replica, emr_act_mint(&pub), &item), 0);
}

static pid_t start(const char *to_hex)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* A new program: secrets are not inherited by fork. */
		execl("/proc/self/exe", "client", k.base, to_hex, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static unsigned count_paid(emr_replica *replica, const emr_id32 *to)
{
	unsigned n = 0;

	for (size_t i = 0; i < CLIENTS; i++) {
		coins c = coins_of(replica, &to[i]);

		assert_true(c.n <= 1 && (c.n == 0 || c.sum == PRICE));
		n += c.n == 1;
	}
	return n;
}

/* KILLS of the clients are killed, one after each payment that has come. */
static void spend_together(unsigned kills)
{
	EMR_AUTO_REPLICA replica = NULL;
	pid_t pids[CLIENTS];
	emr_id32 to[CLIENTS];
	unsigned paid = 0, broke = 0, killed = 0;

	kit_new(&k);
	replica = kit_replica(&k);
	mint(replica);
	kit_save_keyring(&k);
	for (size_t i = 0; i < CLIENTS; i++) {
		char hex[65];

		to[i] = emr_id32_random();
		emr_hex(to[i].b, sizeof to[i].b, hex);
		pids[i] = start(hex);
	}
	while (killed < kills) {
		if (count_paid(replica, to) > killed)
			assert_int_equal(kill(pids[killed++], SIGKILL), 0);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		int status = 0;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) || (i < kills && WTERMSIG(status) == SIGKILL));
		paid += WIFEXITED(status) && WEXITSTATUS(status) == PAID;
		broke += WIFEXITED(status) && WEXITSTATUS(status) == BROKE;
	}
	if (kills == 0) {
		assert_int_equal(paid, PAYMENTS);
		assert_int_equal(broke, CLIENTS - PAYMENTS);
	}
	assert_int_equal(count_paid(replica, to), PAYMENTS);
	assert_int_equal(coins_of(replica, NULL).sum, POINTS);
	assert_int_equal(coins_of(replica, &k.owner.signer_id).sum, POINTS - PAYMENTS * PRICE);
	emr_replica_close(replica);
	replica = NULL;
	kit_end(&k);
}

TEST(twenty_who_spend_at_once_pay_as_often_as_there_are_points_for)
{
	spend_together(0);
}

TEST(whoever_is_killed_while_he_pays_leaves_no_half_payment)
{
	spend_together(KILLED);
}

int main(int argc, char **argv)
{
	kit_backend_in_use = &kit_embedded;
	if (argc == 3 && strcmp(argv[0], "client") == 0)
		return client(argv[1], argv[2]);
	return emr_tests_run(NULL, NULL);
}
