/* This file asks `emrfs init` for a person's name and birth date. It refuses what no card may
 * carry: others would have a person without a name. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/day.h"
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
			_("A birth date is written YYYY-MM-DD, and is not in the future."),
			out_problem);
	}
	snprintf(profile->born, sizeof profile->born, "%.10s", born);
	return EMR_OK;
}

/* An option is taken or refused; at a terminal a slip is told, and the question comes again. */
static emr_status ask_for(const emr_args *args, emr_profile *profile, emr_option option,
	const char *question, emr_status (*take)(emr_profile *, const char *, emr_problem *),
	emr_problem *out_problem)
{
	bool may_ask =
		!args->given[EMR_OPT_YES] && !args->given[EMR_OPT_JSON] && emr_terminal_there();
	char line[sizeof profile->name * 2] = "";
	emr_status status = EMR_INVALID;

	if (args->values[option] != NULL || !may_ask)
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

emr_status init_ask_person(const emr_args *args, emr_profile *profile, emr_problem *out_problem)
{
	emr_status status = ask_for(args, profile, EMR_OPT_NAME, _("Your name (may stay empty):"),
		take_name, out_problem);

	return status == EMR_OK ? ask_for(args, profile, EMR_OPT_BORN,
					  _("Your birth date as in 1959-04-30, the year first (may "
					    "stay empty):"),
					  take_born, out_problem)
				: status;
}
