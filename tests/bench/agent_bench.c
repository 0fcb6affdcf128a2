/* This program measures what an agent's processor does for 1,000 conversions, from the question
 * on the ledger to its answer there, beside the sum that the design counted on: bench_agent
 * [records]. It decides nothing: numbers are for people. The disk is that of /tmp. */
#include <time.h>

#include "keyring/access.h"
#include "story_kit.h"

#define DESIGNED_US 272.0 /* re-encapsulation, its proof and the capsule's check */

static size_t wanted = 1000;

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fill(story *s)
{
	for (size_t i = 0; i < wanted; i++) {
		char path[64];

		(void)snprintf(path, sizeof path, "Imaging/slice%05zu", i);
		kit_text(&s->k, path, "a slice");
	}
	kit_publish_all(&s->k);
}

typedef struct list {
	emr_id16 *ids;
	size_t n;
} list;

static emr_status note(void *arg, const emr_shared_record *record)
{
	list *l = arg;

	if (record->pversion != 0 && l->n < wanted)
		l->ids[l->n++] = record->object;
	return EMR_OK;
}

/* One question for all of them; agent after agent answers it. */
static void ask_and_answer(story *s, emr_shared *shared, const list *l)
{
	emr_share_trouble trouble;
	emr_ask *ask = NULL;
	double before, took;

	assert_ok(emr_shared_ask_records(shared, l->ids, l->n, &ask, &trouble));
	for (int i = 0; i < AGENTS; i++) {
		emr_release_tally tally;

		before = cpu_ms();
		tally = story_agent(s, i);
		took = cpu_ms() - before;
		if (tally.answered > 0)
			printf("agent: %7.1f ms for %zu conversions = %5.1f us each (%.2f of %.0f "
			       "us)\n",
				took, l->n, took * 1e3 / (double)l->n,
				took * 1e3 / (double)l->n / DESIGNED_US, DESIGNED_US);
	}
	s->k.clock.boot_ns += 200000000;
	for (int i = 0; i < AGENTS; i++)
		(void)story_agent(s, i);
	before = cpu_ms();
	assert_ok(ask_wait(s->lima.replica, ask, 0, &trouble));
	took = cpu_ms() - before;
	printf("reader: %6.1f ms to combine %zu keys = %5.1f us each\n", took, l->n,
		took * 1e3 / (double)l->n);
	emr_ask_free(ask);
}

/* How quick this machine is just now: the same steps alone. */
static void idle_rounds(story *s)
{
	double before = cpu_ms();

	for (int i = 0; i < 100; i++)
		(void)story_agent(s, 0);
	printf("agent: %7.3f ms for a look at a ledger that did not grow\n",
		(cpu_ms() - before) / 100);
}

TEST(run)
{
	static story s;
	emr_share_trouble trouble;
	emr_shared *shared = NULL;
	emr_grant_made made;
	emr_ask *ask = NULL;
	list l = {.ids = calloc(wanted, sizeof *l.ids)};

	assert_non_null(l.ids);
	story_begin(&s);
	fill(&s);
	made = story_share(&s, &s.lima, 0, true);
	story_agents(&s, 7);
	story_see(&s.lima);
	assert_ok(emr_shared_open(s.lima.share, s.imaging, made.grant, CONSULT, EMR_READER_PERSON,
		&shared, &trouble));
	assert_ok(emr_shared_ask_names(shared, &ask, &trouble));
	story_agents(&s, 7);
	assert_ok(ask_wait(s.lima.replica, ask, 0, &trouble));
	emr_ask_free(ask);
	assert_ok(emr_shared_each(shared, NULL, note, &l, NULL));
	idle_rounds(&s);
	ask_and_answer(&s, shared, &l);
	emr_shared_free(shared);
	free(l.ids);
	story_end(&s);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		wanted = (size_t)strtoul(argv[1], NULL, 10);
	if (wanted == 0 || wanted > 1024) {
		fprintf(stderr, "bench_agent [1..1024]\n");
		return 2;
	}
	return emr_tests_run(NULL, NULL);
}
