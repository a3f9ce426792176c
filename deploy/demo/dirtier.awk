# Makes a table dirtier, the same way every time: awk -f dirtier.awk penguins.csv
# Every 20th species gets another name, every 50th year a mark of doubt, every 25th bill loses its depth.
BEGIN { FS = OFS = "," }
NR > 1 && NR % 20 == 0 { $1 = $1 " penguin" }
NR > 1 && NR % 50 == 0 { $8 = $8 "?" }
NR > 1 && NR % 25 == 0 { $4 = "NA" }
{ print }
