/* These tests are about hundreds of grants on one folder, more than one batch takes (EMR_CROWD=1000
 * where tests/run is started by hand): the cost of one more, the cost of taking one back, and that
 * the remaining readers notice nothing. */
#include <sys/resource.h>
#include <time.h>

#include "story_kit.h"

#define CROWD_MOST 1000
#define CROWD_USUAL EMR_MANY(600)
#define PARTS 10

static int crowd; /* grants; set once */
#define PART (crowd / PARTS)

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kib(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

static void reads(story *s, person *m, emr_id16 grant, const char *name, const char *wanted)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble;

	assert_ok(story_read(s, m, grant, name, all_agents, &bytes, &trouble));
	assert_int_equal(bytes.len, strlen(wanted));
	assert_memory_equal(bytes.data, wanted, bytes.len);
}

/* The seconds of each PART grants. */
static void grant_all(story *s, emr_grant_made *made, double *parts)
{
	for (int i = 0; i < crowd; i++) {
		double before = cpu_s();

		made[i] = story_share(s, i % 2 == 0 ? &s->lima : &s->eve, 0, true);
		parts[i / PART] += cpu_s() - before;
	}
}

TEST(one_of_many_grants_is_taken_back_and_the_others_go_on)
{
	static emr_grant_made made[CROWD_MOST];
	static double parts[PARTS];
	emr_share_trouble trouble;
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF given = {0};
	size_t held;
	double before;
	long peak;

	SCENE(story, s, story_begin, story_end);
	peak = peak_kib();
	grant_all(&s, made, parts);
	for (int i = 0; i < AGENTS; i++) {
		before = cpu_s();
		(void)story_agent(&s, i);
		assert_ok(emr_agency_count(s.agencies[i], &held));
		assert_int_equal(held, crowd);
		print_message("an agent takes the fragments: %.2f s\n", cpu_s() - before);
	}
	before = cpu_s();
	assert_ok(emr_share_given(s.ana, s.imaging, &given));
	print_message("listing them: %.2f s\n", cpu_s() - before);
	assert_int_equal(given.len / sizeof(emr_given), crowd);
	print_message("a grant among the first tenth: %.2f ms, among the last: %.2f ms\n",
		parts[0] * 1000 / PART, parts[PARTS - 1] * 1000 / PART);
	before = cpu_s();
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made[crowd / 2].grant));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	print_message("taking one back, and keys of a new epoch for the others: %.2f s\n",
		cpu_s() - before);
	/* Each of them costs no more than some of those that were given last, in any build. */
	assert_true(cpu_s() - before < 8 * PARTS * parts[PARTS - 1]);
	assert_false(story_is_due(&s, s.imaging));
	kit_save(&s.k, "Imaging/later.txt", "after the end");
	story_agents(&s, 7);
	for (int i = 0; i < AGENTS; i++) {
		assert_ok(emr_agency_count(s.agencies[i], &held));
		assert_int_equal(held, 2 * (crowd - 1)); /* of both epochs */
	}
	reads(&s, &s.lima, made[0].grant, "later.txt", "after the end");
	reads(&s, &s.eve, made[crowd - 1].grant, "later.txt", "after the end");
	reads(&s, &s.eve, made[crowd - 1].grant, "MRI.pdf", "%PDF a knee");
	assert_status(EMR_DENIED, story_read(&s, &s.lima, made[crowd / 2].grant, "MRI.pdf",
					  all_agents, &bytes, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_REVOKED);
	print_message(
		"most memory of everybody together: %ld MiB more\n", (peak_kib() - peak) / 1024);
	/* Each looks once at those that there are (whether somebody's end calls for a new epoch),
	 * and no more. */
	assert_true(parts[PARTS - 1] < 12 * parts[0] + 0.5);
#ifndef __SANITIZE_ADDRESS__
	assert_true(peak_kib() - peak < 128 * 1024);
#endif
}

int main(void)
{
	const char *wanted = getenv("EMR_CROWD");
	int n = wanted != NULL ? atoi(wanted) : CROWD_USUAL;

	crowd = n < PARTS ? PARTS : n > CROWD_MOST ? CROWD_MOST : n / PARTS * PARTS;
	return emr_tests_run(NULL, NULL);
}
