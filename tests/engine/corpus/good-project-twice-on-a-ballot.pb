META
key;value
description;A street; its trees
num_projects;3
num_votes;4
budget;1000,50
vote_type;approval
currency;EUR
PROJECTS
project_id;cost;votes;name
1;500;2;"Trees; many of them"
2/b;99.9;2;Benches
03;400.00;0;
VOTES
voter_id;vote;age
v1;1,2/b;30
v2;1,1;40
v3;2/b;
v4;;50
