/* The open keyring answers about its own records, and about copies from what others share, with
 * these functions. They refuse to give out keys, and to change anything of another's. */
#pragma once

#include "fetch/fetch.h"
#include "kit/message.h"
#include "session/answer.h"
#include "session/session.h"
#include "view/names.h"

/* Checks what REQUEST asks for (path, quick, chain).  Emits {"progress":{"so_far","of"}} now and
 * then, {"progress":{"part"}} when the blocks ("blocks") and the ledger ("ledger") have their turn,
 * {"fault":{path where error}} for each fault, and last
 * {"done":true,"checked","bad_count","chain",...}. */
emr_answer_fn emr_answer_verify;
/* The part of it about statements that others numbered for this person: one {"gap":{by organisation
 * key last missing numbers unread}} for each signer of whose numbers some are not here. That is no
 * fault of what is here. */
emr_status emr_gaps_answer(emr_session *session, const emr_sink *sink);

/* Entries of the ledger, newest first: emits {"entries":[...]} in portions, and last
 * {"done":true,"checkpoint":...}. */
emr_answer_fn emr_answer_ledger;

/* Versions of the file at REQUEST's path, oldest first: emits {"version_list":[...]} in portions,
 * and last {"done":true}. */
emr_answer_fn emr_answer_versions;

/* Brings back what REQUEST names, and returns when the kernel knows: emits {"done":true,"restored",
 * "version","bytes","unchanged"}. */
emr_answer_fn emr_answer_restore;

/* Renames REQUEST's path to `to`, and returns when the kernel knows; with `look` only says what
 * would follow: emits
 * {"done":true,"path","gains":[ids],"loses":[ids]}. */
emr_answer_fn emr_answer_move;

/* Erases what REQUEST names, or counts it with `look`: emits
 * {"done":true,"live","deleted_files","directories","finished", "not_reached":[{who why}]}. */
emr_answer_fn emr_answer_erase;

/* Every version that is pinned here is made whole on this computer from the nodes of the settings,
 * as far as they have it.  Emits {"progress":{"so_far","of"}} and {"done":true,"brought_bytes",
 * "not_whole"}. */
emr_answer_fn emr_answer_bring;
/* One version, all of what is below ROOT, in the same way; BROUGHT counts on.  EMR_MISSING_DATA: no
 * node gave it; EMR_INTERRUPTED: the folder is being closed; EMR_NO_SPACE and like it. */
emr_status emr_bring_version(emr_fetcher *fetcher, const emr_cid *root, emr_fetch_count *brought);

/* Where the files at or below REQUEST's path are; with `repair` nodes are asked for everything
 * again first.  Emits {"done":true,"wanted","files","waiting","places":[{name state counts copies
 * of stuck leaving sending sending_of error message hint}], "short":[path],"short_files"}, this
 * computer first. */
emr_answer_fn emr_answer_copies;

/* Sets what REQUEST's path says of keeping, gives back dead space with `purge`, and lists: emits
 * {"done":true, "kept":[{path bytes complete keep}],"cache_bytes","last_copy"}. */
emr_answer_fn emr_answer_keep;

/* Writes REQUEST's file, which must not be there yet: the records at path, or the proof of the file
 * there.  Emits progress, and last {"done":true,"records","bytes","root"}; root: the CID above all
 * of it, "" for a proof. */
emr_answer_fn emr_answer_export;

/* {"progress":{"so_far","of"}}, unless it was said just before, at *LAST_NS. */
emr_status emr_answer_progress(const emr_sink *sink, int64_t *last_ns, uint64_t done, uint64_t of);
/* PATH, or its last change, is not on the ledger: it never will be, or is sent later. */
void emr_answer_say_unsent(emr_session *session, const char *path, emr_problem *out_problem);
/* The object id of a path of the folder: EMR_NOT_FOUND. */
emr_status emr_answer_find(emr_session *session, const char *path, emr_id16 *out_object,
	bool *out_is_published, emr_problem *out_problem);

/* A name that cannot be kept, said with the reason. */

static inline void answers_say_bad_name(const char *path, emr_problem *out_problem)
{
	char why[EMR_NAME_WHY_BYTES];

	emr_name_why(path, why);
	emr_problem_set(out_problem, EMR_SAY_BAD_NAME, "path", path, "why", why, NULL);
}
