/* The open folder answers here before `emrfs backup` copies its disk: it brings home the blocks of
 * all versions that only IPFS nodes have. A block that no node has is counted, and keeps nothing
 * else back. */
#include "answers.h"
#include "fetch/fetch.h"
#include "kit/language.h"
#include "publisher/publisher.h"
#include "session/fetching.h"
#include "store/car_store.h"

#define PROGRESS_EVERY_NS INT64_C(500000000)

typedef struct bringing {
	emr_fetcher *fetcher;
	emr_fetch_count *brought;
} bringing;

/* Of a record of which a block does not come no other is tried. */
static emr_status take_block(void *arg, const emr_cid *cid)
{
	bringing *b = arg;
	emr_status status = emr_fetcher_take_home(b->fetcher, cid);

	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(emr_fetcher_await(b->fetcher, cid, true, b->brought));
	return emr_fetcher_take_home(b->fetcher, cid);
}

/* To walk on, the nodes of its tree must be here first, one below the other. */
emr_status emr_bring_version(emr_fetcher *fetcher, const emr_cid *root, emr_fetch_count *brought)
{
	bringing b = {.fetcher = fetcher, .brought = brought};
	emr_status status = EMR_MISSING_DATA, came = EMR_OK;
	emr_cid missed;

	while (status != EMR_OK && came == EMR_OK) {
		emr_fetcher_begin(fetcher);
		status = emr_store_walk(emr_fetcher_blocks(fetcher), root, take_block, &b, &missed);
		came = status;
		if ((status == EMR_MISSING_DATA || status == EMR_DAMAGED) &&
			emr_fetcher_missed(fetcher, &missed))
			came = emr_fetcher_await(fetcher, &missed, true, brought);
	}
	return status == EMR_OK ? EMR_OK : came;
}

emr_status emr_answer_progress(const emr_sink *sink, int64_t *last_ns, uint64_t done, uint64_t of)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());

	if (now - *last_ns < PROGRESS_EVERY_NS)
		return EMR_OK;
	*last_ns = now;
	return emr_emit(sink, json_pack("{s:{s:I, s:I}}", "progress", "so_far", (json_int_t)done,
				      "of", (json_int_t)of));
}

static emr_status take_all(
	emr_session *session, emr_fetch_count *brought, const emr_sink *sink, uint64_t *out_lacking)
{
	int64_t last_ns = emr_clock_boot_ns(emr_clock_system());
	EMR_AUTO_BUF needed = {0};
	emr_status status = emr_store_needed(session->store, false, &needed);
	const emr_pin *all = (const void *)needed.data;
	const size_t n = needed.len / sizeof *all;

	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		emr_status came = EMR_OK;

		if (!emr_publisher_is_here(session->publisher, &all[i].root)) {
			came = emr_bring_version(
				emr_session_fetcher(session), &all[i].root, brought);
			*out_lacking += !emr_publisher_is_here(session->publisher, &all[i].root);
		}
		/* The folder is being closed, or there is no room: no use in going on. */
		if (came == EMR_INTERRUPTED || came == EMR_NO_MEMORY || emr_status_is_full(came))
			return came;
		status = emr_answer_progress(sink, &last_ns, i + 1, n);
	}
	return status;
}

emr_status emr_answer_bring(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	emr_fetch_count brought = {0};
	uint64_t lacking = 0;
	emr_status status = EMR_OK;

	(void)request; /* all of it, whatever the path */
	if (emr_session_fetcher(session) != NULL && !session->read_only)
		status = take_all(session, &brought, sink, &lacking);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("What your IPFS nodes have"));
	return emr_emit(sink, json_pack("{s:b, s:I, s:I}", "done", 1, "brought_bytes",
				      (json_int_t)brought.bytes, "not_whole", (json_int_t)lacking));
}
