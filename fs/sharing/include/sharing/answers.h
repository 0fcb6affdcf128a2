/* This header declares what the mount answers about sharing: share, revoke, requests for access.
 * It refuses to share without having been asked by its own user. */
#pragma once

#include "session/answer.h"

/* Requests for access, both ways: emits {"requests":[...]} in portions, and last
 * {"done":true,"held_back"}; or, with `who`, sends one and emits it with "done".
 */
emr_answer_fn emr_answer_request;

/* A clinician says `reason` for what the card `name` opens, or without it for what another one has
 * begun: emits {"done":true,"state","until_unix","open_folders":[...],"owner"}, or with
 * `look` the first one's {"done":true,"who","at_unix"} (emergency.c). */
emr_answer_fn emr_answer_emergency;

/* As orders and requests carry it: what `write`, `deposit` and `history` of REQUEST come to
 * (giving.c). */
uint16_t emr_rights_asked(const emr_request *request);

/* Says no to REQUEST's id, or takes one's own back: emits {"done":true,"id","was_own"}. */
emr_answer_fn emr_answer_deny;

/* Lists what is shared ({"grants":[...]} in portions), and by others with me
 * ({"shared_with_me":[...]} in portions), last "done"; with a path what sharing it would be
 * (`look`: {"done":true,"path",
 * "who","text","compared","known","files","bytes","wrapped","released_by","needed","left_out",
 * "away","rule","own_agent"}) or that it was asked for ({"done":true,"order"}); with `id` the
 * same of a yes to that request, where `look` also says
 * "id","whole","rights","purposes","until_unix"; with `order` how
 * far that is ({"done":true,"state","cause"}); with `away` and no path that is the rule from now
 * on, by which what stands is given again ({"done":true,"given"}). */
emr_answer_fn emr_answer_share;

/* Ends what `who` has at path, or everywhere: emits {"ended":[{id path}]}, {"openings":[{path
 * version at proven}]} in portions, and last
 * {"done":true,"orders":[numbers],"names_seen"}. */
emr_answer_fn emr_answer_revoke;
