/* This file asks `emrfs init` for a person's name and birth date. It refuses what no card may
 * carry: others would have a person without a name. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/day.h"
#include "contract/codes.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "session/session.h"
#include "verbs/cmd.h"
#include "verbs_private.h"

#define SLIPS_MAX 5 /* at one question */

/* A name that no card may carry would leave others with a person without a name. */
static emr_status take_name(emr_profile *profile, const char *name, emr_problem *out_problem)
{
	if (name[0] != '\0' && !emr_card_name_ok(name)) {
		return emr_wrong_use("init",
			_("A name has at most 53 bytes, and no line ends, control characters or "
			  "marks of direction."),
			out_problem);
	}
	snprintf(profile->name, sizeof profile->name, "%s", name);
	return EMR_OK;
}

static emr_status take_born(emr_profile *profile, const char *born, emr_problem *out_problem)
{
	char today[EMR_DAY_BYTES];

	emr_day_of(emr_clock_unix_s(emr_clock_system()), today);
	if (born[0] != '\0' && (!emr_day_is(born) || strcmp(born, today) > 0)) {
		return emr_wrong_use("init",
			_("A birth date is written YYYY-MM-DD, and is not in the future. What was "
			  "typed stands on the screen: if it is a passphrase, take another one."),
			out_problem);
	}
	snprintf(profile->born, sizeof profile->born, "%.10s", born);
	return EMR_OK;
}

static bool may_ask(const emr_args *args)
{
	return !args->given[EMR_OPT_YES] && !args->given[EMR_OPT_JSON] && emr_terminal_there();
}

/* An option is taken or refused; at a terminal a slip is told, and the question comes again. */
static emr_status ask_for(const emr_args *args, emr_profile *profile, emr_option option,
	const char *question, emr_status (*take)(emr_profile *, const char *, emr_problem *),
	emr_problem *out_problem)
{
	char line[sizeof profile->name * 2] = "";
	emr_status status = EMR_INVALID;

	if (args->values[option] != NULL || !may_ask(args))
		return take(profile, args->values[option] != NULL ? args->values[option] : "",
			out_problem);
	for (int i = 0; i < SLIPS_MAX && status == EMR_INVALID; i++) {
		if (i > 0)
			emr_terminal_say(out_problem);
		*out_problem = (emr_problem){0};
		status = emr_terminal_ask(question, line, sizeof line);
		if (status == EMR_OK)
			status = take(profile, line, out_problem);
	}
	return status;
}

/* A member of the staff is registered with the name, and a card alone has a birth date. */
emr_status init_ask_person(const emr_args *args, emr_out *out, uint16_t roles, emr_profile *profile,
	emr_problem *out_problem)
{
	const bool is_staff = roles != 0 && roles != EMR_ROLE_PATIENT;
	emr_status status;

	if (may_ask(args) && !emr_terminal_is_dialog())
		emr_say(out, is_staff ? _("First your name, which others see; then a new "
					  "passphrase, which nobody sees; then 24 words for "
					  "paper.\n")
				      : _("First your name and your birth date, which others see; "
					  "then a new passphrase, which nobody sees; then 24 words "
					  "for paper.\n"));
	status = ask_for(args, profile, EMR_OPT_NAME,
		is_staff ? _("Your name, seen by all members (may stay empty):")
			 : _("Your name, seen by those with whom you share (may stay empty):"),
		take_name, out_problem);
	if (status != EMR_OK || (is_staff && args->values[EMR_OPT_BORN] == NULL))
		return status;
	return ask_for(args, profile, EMR_OPT_BORN,
		_("Your birth date, seen by the same people, as in 1959-04-30, the year first (may "
		  "stay empty):"),
		take_born, out_problem);
}
