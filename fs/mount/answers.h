/* The open keyring answers about its own records with these functions. They refuse to give out
 * keys: only what was found or done. */
#pragma once

#include "session/answer.h"

/* Checks what REQUEST asks for (path, quick, chain).  Emits {"progress":{"done","of"}} now and
 * then, {"progress":{"part"}} when the blocks ("blocks") and the ledger ("ledger") have their turn,
 * {"bad":{path place error}} for each fault, and last
 * {"done":true,"checked","bad_count","chain",...}. */
emr_status emr_answer_verify(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Entries of the ledger, newest first: emits {"entries":[...]} in portions, and last
 * {"done":true,"checkpoint":...}. */
emr_status emr_answer_ledger(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Versions of the file at REQUEST's path, oldest first: emits {"versions":[...]} in portions, and
 * last {"done":true}. */
emr_status emr_answer_versions(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Brings back what REQUEST names, and returns when the kernel knows: emits {"done":true,"restored",
 * "version","bytes","unchanged"}. */
emr_status emr_answer_restore(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Renames REQUEST's path to `to`, and returns when the kernel knows; with `look` only says what
 * would follow: emits
 * {"done":true,"path","gains":[ids],"loses":[ids]}. */
emr_status emr_answer_move(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Erases what REQUEST names, or counts it with `look`: emits
 * {"done":true,"live","deleted","directories","finished", "not_reached":[{who why}]}. */
emr_status emr_answer_erase(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Every version that is pinned here is made whole on this computer from the nodes of the settings,
 * as far as they have it.  Emits {"progress":{"done","of"}} and {"done":true,"brought_bytes",
 * "not_whole"}. */
emr_status emr_answer_bring(
	emr_session *session, emr_emit_fn emit, void *arg, emr_problem *out_problem);
/* Where the files at or below REQUEST's path are; with `repair` places are asked for everything
 * again.  Emits {"done":true,"wanted","files","waiting","places":[{name state counts copies of
 * stuck leaving sending sending_of error message hint}], "short":[path],"short_files"}, this
 * computer first. */
emr_status emr_answer_copies(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Sets what REQUEST's path says of keeping, gives back dead space with `purge`, and lists: emits
 * {"done":true, "kept":[{path bytes complete keep}],"cache_bytes","last_copy"}. */
emr_status emr_answer_keep(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Writes REQUEST's file, which must not be there yet: the records at path, or the proof of the file
 * there.  Emits progress, and last {"done":true,"records","bytes","root"}; root: the CID above all
 * of it, "" for a proof. */
emr_status emr_answer_export(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* Reads records out of REQUEST's file into the directory at path; at the top those that the own
 * ledger names come back as what they were.  Emits progress, {"bad":{path error}} for each one that
 * was not read, and last
 * {"done":true,"records","bytes","bad_count","there","mended","lacking",...}.
 */
emr_status emr_answer_import(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* The object id of a path of the folder: EMR_NOT_FOUND. */
emr_status emr_answer_find(emr_session *session, const char *path, emr_id16 *out_object,
	bool *out_is_published, emr_problem *out_problem);
