/* These tests let many threads hand in at once, to a directory and to a host: each hears its own
 * answer, who is refused harms nobody, and what was answered is there after a kill or a power cut
 * (tests/integration/powercut.sh).
 *
 *   test_ledger_crowd create                      makes a network; prints its place and a domain
 *   test_ledger_crowd save BASE DOMAIN ROUNDS     ROUNDS 0: for ever; answers go to standard
 * output, or to EMR_POWERCUT_MARK test_ledger_crowd check BASE ANSWERS          status 0: all that
 * was answered is there */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "contract/item.h"
#include "served_kit.h"

#define THREADS 16
#define ROUNDS 12
#define KILLS 8

static kit k;

AROUND_BY(begin, kit_new(&k))

AROUND_BY(end, kit_end(&k))

/* One record in a batch of its own; its item's id. */
static emr_id32 make(const kit_domain *d, emr_buf *out)
{
	emr_batch_builder *b = kit_batch(&k, d->id);
	emr_id32 item = kit_put(b, d, emr_id16_random(), 1, (emr_id32){{0}});

	kit_finish(&k, b, out);
	return item;
}

/* ---- answers ---- */

typedef struct saver {
	const kit_domain *d;
	pthread_t thread;
	uint64_t seqs[ROUNDS];
} saver;

static void assert_refused(emr_buf *bytes)
{
	emr_ledger_answer answer;

	bytes->data[150] ^= 1; /* the batch's signature */
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(bytes), &answer));
	assert_int_equal(answer.refusal, EMR_RESULT_SIGNATURE);
	assert_int_equal(answer.n_results, 0);
	bytes->data[150] ^= 1;
}

static void *save_and_look(void *arg)
{
	saver *s = arg;

	for (int i = 0; i < ROUNDS; i++) {
		EMR_AUTO_BUF bytes = {0};
		emr_ledger_answer answer, again;
		emr_id32 item = make(s->d, &bytes);
		uint64_t seq = 0;
		uint16_t index = 0;

		if (i % 3 == 0)
			assert_refused(&bytes);
		assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
		assert_int_equal(answer.refusal, 0);
		assert_false(answer.is_repeat);
		assert_ok(emr_ledger_find_item(k.ledger, item, &seq, &index));
		assert_int_equal(seq, answer.seq);
		assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &again));
		assert_true(again.is_repeat);
		assert_int_equal(again.seq, answer.seq);
		s->seqs[i] = seq;
	}
	return NULL;
}

static void each_of_many_hears_its_own_answer(void **state)
{
	kit_domain d = kit_domain_new(&k);
	saver savers[THREADS];
	bool is_taken[THREADS * ROUNDS] = {false};

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		savers[i].d = &d;
		assert_int_equal(
			pthread_create(&savers[i].thread, NULL, save_and_look, &savers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(savers[i].thread, NULL), 0);
		for (int j = 0; j < ROUNDS; j++) {
			assert_in_range(savers[i].seqs[j], 3, 2 + THREADS * ROUNDS);
			assert_false(is_taken[savers[i].seqs[j] - 3]);
			is_taken[savers[i].seqs[j] - 3] = true;
		}
	}
	assert_int_equal(kit_size(&k), 3 + THREADS * ROUNDS);
	kit_sound(&k);
}

typedef struct same {
	emr_bytes batch;
	pthread_t thread;
	emr_ledger_answer answer;
} same;

static void *submit_same(void *arg)
{
	same *s = arg;

	assert_ok(emr_ledger_submit(k.ledger, s->batch, &s->answer));
	return NULL;
}

static void one_batch_that_many_send_is_one_entry(void **state)
{
	kit_domain d = kit_domain_new(&k);
	EMR_AUTO_BUF bytes = {0};
	same sends[THREADS];
	int firsts = 0;

	(void)state;
	(void)make(&d, &bytes);
	for (int i = 0; i < THREADS; i++) {
		sends[i].batch = emr_buf_view(&bytes);
		assert_int_equal(pthread_create(&sends[i].thread, NULL, submit_same, &sends[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(sends[i].thread, NULL), 0);
		assert_int_equal(sends[i].answer.refusal, 0);
		assert_int_equal(sends[i].answer.seq, 3);
		assert_int_equal(sends[i].answer.results[0], EMR_RESULT_APPLIED);
		firsts += !sends[i].answer.is_repeat;
	}
	assert_int_equal(firsts, 1);
	assert_int_equal(kit_size(&k), 4);
}

/* ---- kills and power cuts ---- */

static kit_domain saved_in;
static int answers_fd = STDOUT_FILENO;
static int rounds_left_of_each;

static void *save_and_say(void *arg)
{
	char line[128], hex[65];

	(void)arg;
	for (int i = 0; rounds_left_of_each == 0 || i < rounds_left_of_each; i++) {
		EMR_AUTO_BUF bytes = {0};
		emr_ledger_answer answer;
		emr_id32 item = make(&saved_in, &bytes);
		int len;

		assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
		assert_int_equal(answer.refusal, 0);
		emr_hex(item.b, sizeof item.b, hex);
		len = snprintf(line, sizeof line, "%llu %s\n", (unsigned long long)answer.seq, hex);
		if (write(answers_fd, line, (size_t)len) != len)
			_exit(1);
	}
	return NULL;
}

static int save(const char *base, const char *domain_hex, const char *rounds)
{
	const char *marks = getenv("EMR_POWERCUT_MARK");
	pthread_t threads[THREADS];

	kit_load_keyring(&k, base);
	assert_ok(emr_unhex(domain_hex, saved_in.id.b, 16));
	rounds_left_of_each = atoi(rounds);
	if (marks != NULL)
		answers_fd = open(marks, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, save_and_say, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	emr_ledger_close(k.ledger);
	emr_keyring_free(k.keyring);
	return 0;
}

/* Every whole line of FILE, or the first MOST, is in the ledger, at its place; the highest place,
 * or LAST where that is higher: the threads do not say their answers in the order of the ledger. */
static uint64_t check_answers(FILE *file, int most, uint64_t last)
{
	char line[128], hex[65];

	for (int n = 0; n < most; n++) {
		emr_id32 item;
		unsigned long long said;
		uint64_t seq = 0;
		uint16_t index;

		if (fgets(line, sizeof line, file) == NULL || strchr(line, '\n') == NULL)
			break;
		assert_int_equal(sscanf(line, "%llu %64s", &said, hex), 2);
		assert_ok(emr_unhex(hex, item.b, sizeof item.b));
		assert_ok(emr_ledger_find_item(k.ledger, item, &seq, &index));
		assert_int_equal(seq, said);
		last = seq > last ? seq : last;
	}
	return last;
}

static int check(const char *base, const char *answers)
{
	FILE *file = fopen(answers, "r");

	kit_load_keyring(&k, base);
	assert_non_null(file);
	(void)check_answers(file, INT_MAX, 0);
	(void)fclose(file);
	kit_sound(&k);
	emr_ledger_close(k.ledger);
	emr_keyring_free(k.keyring);
	return 0;
}

static int create(void)
{
	char hex[33];

	kit_new(&k);
	saved_in = kit_domain_new(&k);
	kit_save_keyring(&k);
	emr_ledger_close(k.ledger);
	emr_keyring_free(k.keyring);
	emr_hex(saved_in.id.b, 16, hex);
	printf("%s %s\n", k.base, hex);
	return 0;
}

static void killed_savers_lose_nothing_they_were_answered(void **state)
{
	kit_domain d = kit_domain_new(&k);
	char hex[33];

	(void)state;
	kit_save_keyring(&k);
	emr_hex(d.id.b, 16, hex);
	for (int i = 0; i < KILLS; i++) {
		int out[2];
		FILE *answers;
		uint64_t last;
		pid_t pid;

		assert_int_equal(pipe2(out, O_CLOEXEC), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			(void)dup2(out[1], STDOUT_FILENO);
			execl("/proc/self/exe", "crowd", "save", k.base, hex, "0", (char *)NULL);
			_exit(127);
		}
		(void)close(out[1]);
		answers = fdopen(out[0], "r");
		assert_non_null(answers);
		/* At least so many answers; the pipe keeps the rest, and holds the savers up. */
		last = check_answers(answers, THREADS * i, 0);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		last = check_answers(answers, INT_MAX, last);
		(void)fclose(answers);
		/* Of each one more may stand there whose answer nobody heard. */
		if (last > 0)
			assert_in_range(kit_size(&k), last + 1, last + 1 + THREADS);
	}
	kit_sound(&k);
}

#define IN_NETWORK(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(int argc, char **argv)
{
	const struct CMUnitTest anywhere[] = {
		IN_NETWORK(each_of_many_hears_its_own_answer),
		IN_NETWORK(one_batch_that_many_send_is_one_entry),
	};
	const struct CMUnitTest here[] = {
		IN_NETWORK(killed_savers_lose_nothing_they_were_answered)};
	int failed;

	if (argc == 2 && strcmp(argv[1], "create") == 0)
		return create();
	if (argc == 5 && strcmp(argv[1], "save") == 0)
		return save(argv[2], argv[3], argv[4]);
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return check(argv[2], argv[3]);
	failed = cmocka_run_group_tests_name("embedded", anywhere, NULL, NULL);
	failed += cmocka_run_group_tests_name("killed", here, NULL, NULL);
	kit_backend_in_use = &kit_served;
	return failed + cmocka_run_group_tests_name("served", anywhere, NULL, NULL);
}
