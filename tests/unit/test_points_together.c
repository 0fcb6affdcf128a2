/* Many programs move the points of one account at once, and some are killed while they do: as many
 * payments stand as there are points for, each once, and not a point more or less is there
 * afterwards. Twenty put points of one person by for a dataset; fifty folders join it. */
#include <signal.h>
#include <sys/wait.h>

#include "base/codec.h"
#include "points_kit.h"
#include "replica/people.h"
#include "replica/ask.h"

#define PAYERS 20
#define JOINERS 50
#define PLACES 45 /* that are paid */
#define POINTS 1000u
#define PRICE 7u
#define COST 70u		 /* of ten places */
#define PAYMENTS (POINTS / COST) /* that there are points for */
#define KILLED 5
#define PAID 10 /* exit code of a client that paid */
#define BROKE 11

static kit k;

/* ---- one who acts ---- */

static int send(emr_replica *replica, emr_act act)
{
	static uint64_t turn; /* the same bytes again would get the old answer again */
	EMR_AUTO_BATCH builder = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_batch_options options = {
		.keyring = k.keyring, .signer = emr_signer_identity(), .net_id = k.net_id};
	emr_ledger_answer answer;
	emr_operation operation;
	emr_id32 item;

	assert_ok(emr_batch_new(&options, &builder));
	assert_ok(emr_replica_follow(replica, k.owner.signer_id, &act));
	operation = emr_act_operation(&act, KIT_NOW, (emr_bytes){0});
	assert_ok(emr_batch_add(builder, &operation, &item));
	assert_ok(emr_batch_finish(builder, KIT_NOW, 300 + turn++ % 300, &bytes, NULL));
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.refusal, 0);
	return answer.results[0];
}

static uint64_t points_of(emr_replica *replica, emr_id32 account)
{
	uint64_t points = 0;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_points(replica, account, &points));
	return points;
}

/* Puts COST by as soon as nobody is quicker; BROKE when there is no longer enough. */
static int pay(emr_replica *replica, emr_id16 dataset)
{
	int result = EMR_RESULT_CONFLICT;

	while (result != EMR_RESULT_APPLIED) {
		if (points_of(replica, k.owner.signer_id) < COST)
			return BROKE;
		result = send(
			replica, emr_act_transfer(k.owner.signer_id, emr_fund_of(dataset), COST));
		assert_true(result == EMR_RESULT_APPLIED || result == EMR_RESULT_CONFLICT ||
			    result == EMR_RESULT_FUNDS);
	}
	return PAID;
}

/* A new folder joins; BROKE when the fund is empty. */
static int join(emr_replica *replica, emr_id16 dataset)
{
	const kit_domain domain = kit_domain_new(&k);
	EMR_AUTO_BUF bytes = {0};
	emr_batch_builder *batch = kit_batch(&k, domain.id);
	emr_ledger_answer answer;

	(void)replica;
	points_join_into(&k, batch, domain.id, dataset);
	kit_finish(&k, batch, &bytes);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.results[0], EMR_RESULT_APPLIED);
	assert_true(
		answer.results[1] == EMR_RESULT_APPLIED || answer.results[1] == EMR_RESULT_FUNDS);
	return answer.results[1] == EMR_RESULT_APPLIED ? PAID : BROKE;
}

static int client(const char *base, const char *deed, const char *dataset_hex)
{
	emr_replica *replica;
	emr_id16 dataset;
	int code;

	kit_load_keyring(&k, base);
	assert_ok(emr_unhex(dataset_hex, dataset.b, sizeof dataset.b));
	(void)snprintf(k.state, sizeof k.state, "%s/state-%d", base, (int)getpid());
	assert_int_equal(mkdir(k.state, 0700), 0);
	k.state_fd = open(k.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_keyring_public(k.keyring, &k.owner));
	replica = kit_replica(&k);
	code = strcmp(deed, "join") == 0 ? join(replica, dataset) : pay(replica, dataset);
	emr_replica_close(replica);
	emr_ledger_close(k.ledger);
	emr_keyring_free(k.keyring);
	return code;
}

/* ---- the test ---- */

static pid_t start(const char *deed, emr_id16 dataset)
{
	pid_t pid = fork();
	char hex[33];

	assert_true(pid >= 0);
	emr_hex(dataset.b, sizeof dataset.b, hex);
	if (pid == 0) {
		/* A new program: secrets are not inherited by fork. */
		execl("/proc/self/exe", "client", k.base, deed, hex, (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* N of DEED at once.  KILLS of them are killed, one each time that the fund has moved. */
static void together(const char *deed, size_t n, unsigned kills, emr_replica *replica,
	emr_id16 dataset, unsigned *out_paid)
{
	uint64_t before = points_of(replica, emr_fund_of(dataset));
	pid_t pids[JOINERS];

	*out_paid = 0;
	for (size_t i = 0; i < n; i++)
		pids[i] = start(deed, dataset);
	for (unsigned killed = 0; killed < kills;) {
		uint64_t now = points_of(replica, emr_fund_of(dataset));

		if ((now > before ? (now - before) / COST : (before - now) / PRICE) > killed)
			assert_int_equal(kill(pids[killed++], SIGKILL), 0);
	}
	for (size_t i = 0; i < n; i++) {
		int status = 0;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) || (i < kills && WTERMSIG(status) == SIGKILL));
		if (WIFEXITED(status)) {
			assert_true(WEXITSTATUS(status) == PAID || WEXITSTATUS(status) == BROKE);
			*out_paid += WEXITSTATUS(status) == PAID;
		}
	}
}

/* All puts by, and all joins, with KILLS of each. */
static void spend_together(unsigned kills)
{
	EMR_AUTO_REPLICA replica = NULL;
	emr_id32 fund;
	emr_id16 dataset;
	uint64_t own, put_by;
	unsigned paid;

	kit_new(&k);
	replica = kit_replica(&k);
	points_mint(&k, replica, POINTS);
	dataset = points_dataset(&k, replica, PRICE);
	fund = emr_fund_of(dataset);
	kit_save_keyring(&k);
	together("pay", PAYERS, kills, replica, dataset, &paid);
	put_by = points_of(replica, fund);
	own = points_of(replica, k.owner.signer_id);
	assert_int_equal(own + put_by, POINTS);
	assert_int_equal(put_by, PAYMENTS * COST);
	if (kills == 0)
		assert_int_equal(paid, PAYMENTS);
	assert_int_equal(send(replica, emr_act_dataset_close(dataset)), 0);
	assert_int_equal(send(replica, emr_act_transfer(fund, k.owner.signer_id, put_by)), 0);
	dataset = points_dataset(&k, replica, PRICE);
	fund = emr_fund_of(dataset);
	assert_int_equal(
		send(replica, emr_act_transfer(k.owner.signer_id, fund, PLACES * PRICE)), 0);
	together("join", JOINERS, kills, replica, dataset, &paid);
	assert_int_equal(points_of(replica, fund), 0);
	assert_int_equal(points_of(replica, k.owner.signer_id), POINTS);
	if (kills == 0)
		assert_int_equal(paid, PLACES);
	emr_replica_close(replica);
	replica = NULL;
	kit_end(&k);
}

TEST(who_spend_at_once_pay_as_often_as_there_are_points_for)
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
	if (argc == 4 && strcmp(argv[0], "client") == 0)
		return client(argv[1], argv[2], argv[3]);
	return emr_tests_run(NULL, NULL);
}
