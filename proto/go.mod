module sluice.dev/proto

go 1.26

