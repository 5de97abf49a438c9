META
key;value
description;A street; its trees
num_projects;3
num_votes;4
budget;1000,50
vote_type;cumulative
currency;EUR
PROJECTS
project_id;cost;votes;name
1;500;2;"Trees; many of them"
2/b;99.9;2;Benches
03;400.00;0;
VOTES
voter_id;vote;points
v1;1,2/b;3,0.5
v2;1;4,5
v3;2/b;5
v4;;
