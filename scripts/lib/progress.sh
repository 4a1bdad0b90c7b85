# Sourced by scripts that take a while: how far they are.
# shellcheck shell=bash

# show_progress UNIT: reads lines `DONE TOTAL WHAT` and shows how far it is and how long it will take: on a terminal in one
# moving line, elsewhere in a line every 15 s. The rest is taken to go on as fast as what is done; where DONE falls,
# something new has begun.
show_progress() {
  local unit=$1 began=$SECONDS shown=$SECONDS line='' part='' now='' count=0 total what left
  while :; do
    if IFS= read -r -t 1 line; then
      now=$part$line part=''
    elif (( $? <= 128 )); then  # the end; above it a second without a whole line
      break
    else
      part+=$line
    fi
    [[ $now =~ ^([0-9]+)\ ([0-9]+)\ ?(.*)$ ]] || continue
    (( BASH_REMATCH[1] < count )) && began=$SECONDS
    count=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]} what=${BASH_REMATCH[3]}
    left='some time'
    # The first steps are too few to tell from.
    (( count > 0 && 20 * count >= total )) && left="about $(( (SECONDS - began) * (total - count) / count )) s"
    if [[ -t 1 ]]; then
      printf '\r\e[K  %s of %s %s, %s left  %s' "$count" "$total" "$unit" "$left" "${what:0:70}"
    elif (( SECONDS - shown >= 15 )); then
      shown=$SECONDS
      printf '  %s of %s %s in %d s, %s left\n' "$count" "$total" "$unit" $(( SECONDS - began )) "$left"
    fi
  done
  [[ -t 1 ]] && printf '\r\e[K'
  return 0
}
