/* After `share` or `revoke` this file waits until the ledger has it, as long as the person wants,
 * and tells what it still waits for. When the time is over the order goes on without it. */
#include "mount/client.h"

#include <string.h>

#include "base/clock.h"
#include "kit/text.h"

#define WAIT_DEFAULT_NS INT64_C(60000000000)
#define SLICE_NS INT64_C(5000000000)
#define ANSWER_MS 20000

emr_status emr_order_wait_time(const emr_args *args, int64_t *out_ns)
{
	*out_ns = WAIT_DEFAULT_NS;
	return args->values[EMR_OPT_WAIT] != NULL
		       ? emr_duration_parse(args->values[EMR_OPT_WAIT], out_ns)
		       : EMR_OK;
}

emr_status emr_order_look(emr_client *client, const char *path, const char *who, uint64_t order,
	int64_t ns, emr_message failed, bool *out_is_done, emr_problem *out_problem)
{
	emr_request request = {.ask = EMR_ASK_SHARE, .order = order};
	int64_t deadline = emr_clock_boot_ns(emr_clock_system()) + ns;

	for (;;) {
		int64_t left_ns = deadline - emr_clock_boot_ns(emr_clock_system());
		json_t *answer = NULL;
		const char *state, *cause;
		bool is_queued;
		emr_status status;

		left_ns = left_ns > SLICE_NS ? SLICE_NS : left_ns < 1000000 ? 1000000 : left_ns;
		request.timeout_ms = (uint32_t)(left_ns / 1000000);
		status = emr_client_ask(client, &request, ANSWER_MS, &answer, out_problem);
		if (status != EMR_OK)
			return status;
		state = json_string_value(json_object_get(answer, "state"));
		cause = json_string_value(json_object_get(answer, "cause"));
		is_queued = state != NULL && strcmp(state, "queued") == 0;
		if (state == NULL)
			status = EMR_DAMAGED;
		else if (strcmp(state, "failed") == 0)
			status = EMR_REFUSED;
		if (status == EMR_REFUSED)
			emr_problem_set(out_problem, failed, "path", path, "who", who, "cause",
				cause != NULL ? cause : "?", NULL);
		json_decref(answer);
		*out_is_done = status == EMR_OK && !is_queued;
		if (status != EMR_OK || !is_queued ||
			emr_clock_boot_ns(emr_clock_system()) >= deadline)
			return status;
	}
}

emr_status emr_order_wait(emr_client *client, const emr_args *args, const char *path,
	const char *who, uint64_t order, emr_message failed, emr_problem *out_problem)
{
	int64_t wait_ns;
	bool is_done = false;

	EMR_TRY(emr_order_wait_time(args, &wait_ns));
	if (!args->given[EMR_OPT_WAIT] || order == 0)
		return EMR_OK;
	EMR_TRY(emr_order_look(client, path, who, order, wait_ns, failed, &is_done, out_problem));
	if (is_done)
		return EMR_OK;
	return EMR_PROBLEM(EMR_TIMEOUT, out_problem, EMR_SAY_ORDER_UNSENT, "path", path, NULL);
}
